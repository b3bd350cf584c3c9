import { Text, TextInput } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { useVirtualizer } from "@tanstack/react-virtual";
import type { PDFDocumentProxy } from "pdfjs-dist";
import { type ReactNode, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useShortcuts } from "@/keyboard/useShortcuts.ts";
import classes from "./Document.module.css";
import { PdfPage } from "./PdfPage.tsx";
import { pageTyped, zoomed, zooms } from "./preview.ts";
import { ZoomButtons } from "./ViewerHead.tsx";

export interface Size {
  width: number;
  height: number;
}

const gap = 12;
const widest = 900; // at a zoom of 1: wider lines are hard to read

interface Props {
  document: PDFDocumentProxy;
  /** The size of the first page: the others are taken for as large until they are seen. */
  first: Size;
  name: string;
  head: (tools: ReactNode) => ReactNode;
}

/** The pages one below the other. Only those in view and their neighbours are drawn. */
export function PdfPages({ document, first, name, head }: Props) {
  const { t } = useTranslation("files");
  const [zoom, setZoom] = useState(1);
  const { ref: measured, width: room } = useElementSize();
  const box = useRef<HTMLDivElement>(null);
  const sizes = useRef(new Map<number, Size>());
  const width = Math.round(Math.max(160, Math.min(room - 2 * gap, widest)) * zoom);
  const height = useCallback(
    (index: number) => {
      const { width: w, height: h } = sizes.current.get(index) ?? first;
      return Math.round((width * h) / w);
    },
    [width, first],
  );
  const pages = useVirtualizer({ count: document.numPages, getScrollElement: () => box.current, estimateSize: height, overscan: 1, gap, paddingStart: gap, paddingEnd: gap });
  const shown = (pages.getVirtualItemForOffset((pages.scrollOffset ?? 0) + (box.current?.clientHeight ?? 0) / 3)?.index ?? 0) + 1;

  // Another width: what was in the middle stays there.
  const before = useRef(width);
  const sheets = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const b = box.current;
    if (b === null || before.current === width) return;
    before.current = width;
    const middle = b.scrollTop + b.clientHeight / 2;
    const was = pages.getVirtualItemForOffset(middle);
    pages.measure();
    // It scrolls no further than its content reaches.
    if (sheets.current) sheets.current.style.blockSize = `${pages.getTotalSize()}px`;
    const now = was && pages.measurementsCache[was.index];
    if (now) b.scrollTop = now.start + ((middle - was.start) / was.size) * now.size - b.clientHeight / 2;
  }, [width, pages]);
  useEffect(() => box.current?.focus(), []);

  const onSize = useCallback(
    (index: number, size: Size) => {
      sizes.current.set(index, size);
      pages.resizeItem(index, height(index));
    },
    [pages, height],
  );
  const step = (by: 1 | -1) => setZoom((z) => zoomed(z, by));
  useShortcuts({ larger: () => step(1), smaller: () => step(-1) }, true);

  return (
    <>
      {head(
        <>
          <PageNumber shown={shown} count={document.numPages} onGo={(n) => pages.scrollToIndex(n - 1, { align: "start" })} />
          <ZoomButtons least={zoom === zooms[0]} most={zoom === zooms.at(-1)} onStep={step} />
        </>,
      )}
      <div
        ref={(e) => {
          box.current = e;
          measured(e);
        }}
        className={classes.scroll}
        data-pages=""
        role="region"
        aria-label={t("content", { name })}
        tabIndex={0}
      >
        <div ref={sheets} className={classes.pages} style={{ blockSize: pages.getTotalSize(), inlineSize: width }}>
          {room > 0 &&
            pages.getVirtualItems().map((v) => (
              <div key={v.key} className={classes.place} style={{ blockSize: v.size, transform: `translateY(${v.start}px)` }}>
                <PdfPage document={document} index={v.index} width={width} onSize={onSize} />
              </div>
            ))}
        </div>
      </div>
    </>
  );
}

function PageNumber({ shown, count, onGo }: { shown: number; count: number; onGo: (page: number) => void }) {
  const { t } = useTranslation("files");
  const [typed, setTyped] = useState<string | null>(null);
  const go = () => {
    const page = pageTyped(typed ?? "", count);
    if (page !== null) onGo(page);
    setTyped(null);
  };
  return (
    <form
      className={classes.number}
      onSubmit={(e) => {
        e.preventDefault();
        go();
      }}
    >
      <TextInput
        size="xs"
        classNames={{ input: classes.numberInput }}
        inputMode="numeric"
        aria-label={t("pdf.number", { count })}
        value={typed ?? String(shown)}
        onFocus={(e) => e.currentTarget.select()}
        onChange={(e) => setTyped(e.currentTarget.value)}
        onBlur={go}
      />
      <Text size="sm" c="var(--quiet)" aria-hidden>
        / {count}
      </Text>
    </form>
  );
}
