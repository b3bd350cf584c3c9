import { type RefObject, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "./Composer.module.css";

const withFiles = (e: DragEvent): boolean => e.dataTransfer?.types.includes("Files") ?? false;

/** Takes files that are dropped: the room's composer anywhere on the page, a thread's on its panel. Tells whether some are being held over it. */
export function useDrop(box: RefObject<HTMLElement | null>, whole: boolean, onFiles: (files: File[]) => void): boolean {
  const [over, setOver] = useState(false);
  const latest = useRef(onFiles);
  latest.current = onFiles;
  useEffect(() => {
    const panel = (n: EventTarget | null) => (n instanceof Element ? n.closest("aside") : null);
    const mine = (e: DragEvent): boolean => {
      if (!withFiles(e) || document.querySelector("[role=dialog]")) return false;
      const own = box.current?.closest("aside") ?? null;
      // A panel without a composer leaves its drops to the room.
      const theirs = panel(e.target)?.querySelector("[data-composer]") ? panel(e.target) : null;
      return whole ? theirs === null : own !== null && theirs === own;
    };
    const drag = (e: DragEvent) => {
      const is = mine(e);
      if (is) e.preventDefault();
      setOver(is);
    };
    const leave = (e: DragEvent) => {
      if (e.relatedTarget === null) setOver(false);
    };
    const drop = (e: DragEvent) => {
      setOver(false);
      if (!mine(e)) return;
      e.preventDefault();
      const files = [...(e.dataTransfer?.files ?? [])];
      if (files.length > 0) latest.current(files);
    };
    document.addEventListener("dragover", drag);
    document.addEventListener("dragleave", leave);
    document.addEventListener("drop", drop);
    return () => {
      document.removeEventListener("dragover", drag);
      document.removeEventListener("dragleave", leave);
      document.removeEventListener("drop", drop);
    };
  }, [box, whole]);
  return over;
}

export function DropOverlay() {
  const { t } = useTranslation("composer");
  return <div className={classes.drop}>{t("drop")}</div>;
}
