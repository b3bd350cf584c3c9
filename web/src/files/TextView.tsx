import { Loader, Text } from "@mantine/core";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "./Document.module.css";
import { readText, type ShownText, textLimit } from "./preview.ts";

/** The beginning of a text, as it is. */
export function TextView({ content, name, head }: { content: Blob; name: string; head: () => ReactNode }) {
  const { t } = useTranslation("files");
  const [shown, setShown] = useState<ShownText | null>();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let gone = false;
    // One byte more tells that there is more.
    void content.slice(0, textLimit + 1).arrayBuffer().then((b) => !gone && setShown(readText(new Uint8Array(b))));
    return () => {
      gone = true;
    };
  }, [content]);
  useEffect(() => {
    if (shown) box.current?.focus();
  }, [shown]);
  return (
    <>
      {head()}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrolled region must be reachable by keyboard */}
      <div ref={box} className={classes.scroll} role="region" aria-label={t("content", { name })} tabIndex={0}>
        {shown === undefined && <Loader m="md" />}
        {shown === null && (
          <Text role="alert" p="lg" ta="center">
            {t("text.none")}
          </Text>
        )}
        {shown && <pre className={classes.plain}>{shown.text}</pre>}
        {shown?.cut && (
          <Text p="md" ta="center" c="var(--quiet)" role="note">
            {t("text.cut", { size: textLimit / 1024 })}
          </Text>
        )}
      </div>
    </>
  );
}
