import { useThumbnail } from "@/matrix/media.ts";
import classes from "./Html.module.css";

/** A picture within a text, such as an emoji of one's own. Only what lies on the server is fetched, never an address elsewhere. */
export function InlineImage({ src, alt, height }: { src: string; alt: string; height: number }) {
  const url = useThumbnail(src.startsWith("mxc://") ? src : null, 96);
  if (url === undefined) return <span>{alt}</span>;
  return <img className={classes.image} src={url} alt={alt} title={alt} height={height > 0 ? Math.min(height, 64) : 32} />;
}
