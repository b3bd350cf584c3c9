import { Text } from "@mantine/core";
import type { PDFDocumentProxy, RenderTask } from "pdfjs-dist";
import { TextLayer } from "pdfjs-dist/legacy/build/pdf.mjs";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "./Document.module.css";
import type { Size } from "./PdfPages.tsx";
import { density } from "./preview.ts";

interface Props {
  document: PDFDocumentProxy;
  index: number;
  width: number; // of the page on the screen
  onSize: (index: number, size: Size) => void;
}

/** One page: its picture, and over it its text, invisible, to be marked, copied and read aloud. The old picture stays until the new one is drawn. */
export function PdfPage({ document: pdf, index, width, onSize }: Props) {
  const { t } = useTranslation("files");
  const [failed, setFailed] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const tell = useRef(onSize);
  tell.current = onSize;
  useEffect(() => {
    let gone = false;
    let drawing: RenderTask | undefined;
    let text: TextLayer | undefined;
    const draw = async () => {
      const page = await pdf.getPage(index + 1);
      if (gone) return;
      const natural = page.getViewport({ scale: 1 });
      tell.current(index, { width: natural.width, height: natural.height });
      const viewport = page.getViewport({ scale: width / natural.width });
      const canvas = document.createElement("canvas");
      const d = density(viewport.width, viewport.height, devicePixelRatio || 1);
      canvas.width = Math.max(1, Math.floor(viewport.width * d));
      canvas.height = Math.max(1, Math.floor(viewport.height * d));
      drawing = page.render({ canvas, viewport, transform: [d, 0, 0, d, 0, 0] });
      await drawing.promise;
      if (gone) return;
      const layer = document.createElement("div");
      layer.className = classes.text ?? "";
      layer.dir = "ltr"; // its places are counted from the left
      layer.style.setProperty("--total-scale-factor", String(viewport.scale));
      release(box.current);
      box.current?.replaceChildren(canvas, layer);
      text = new TextLayer({ textContentSource: page.streamTextContent(), container: layer, viewport });
      await text.render();
    };
    draw().catch(() => gone || setFailed(true));
    return () => {
      gone = true;
      drawing?.cancel();
      text?.cancel();
    };
  }, [pdf, index, width]);
  useEffect(() => {
    const b = box.current;
    return () => release(b);
  }, []);
  return (
    <section className={classes.page} aria-label={t("pdf.page", { number: index + 1 })}>
      <div ref={box} className={classes.sheet} />
      {failed && (
        <Text role="alert" className={classes.failed}>
          {t("pdf.pageFailed")}
        </Text>
      )}
    </section>
  );
}

/** Gives a picture's memory back at once: phones have little for it. */
function release(box: HTMLElement | null): void {
  for (const canvas of box?.querySelectorAll("canvas") ?? []) canvas.width = canvas.height = 0;
}
