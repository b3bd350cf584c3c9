import { getDocument, InvalidPDFException, type PDFDocumentProxy, PasswordResponses, PDFWorker, version } from "pdfjs-dist/legacy/build/pdf.mjs";

/** What is wrong with a document: a text `pdf.NAME` of this folder says it. */
export type PdfProblem = "broken" | "failed";

export interface Opening {
  document: Promise<PDFDocumentProxy>;
  close: () => void;
}

/** Which files pdf.js may fetch: its own, from where the app is from. */
const at = (folder: string): string => new URL(`/assets/pdfjs-${version}/${folder}/`, location.href).href;

/** Opens a document in a worker of its own. The password is asked for as often as it takes; `wrong` says that one was given. */
export function openPdf(data: Uint8Array, onPassword: (answer: (password: string) => void, wrong: boolean) => void): Opening {
  const port = new Worker(new URL("./pdf.worker.ts", import.meta.url), { type: "module" });
  const worker = PDFWorker.create({ port });
  const task = getDocument({
    data, worker,
    cMapUrl: at("cmaps"),
    standardFontDataUrl: at("standard_fonts"),
    wasmUrl: at("wasm"),
    useSystemFonts: true,
    // Nothing of a document runs.
    isEvalSupported: false,
    enableXfa: false,
    maxImageSize: 100 << 20, // pixels: a few bytes may say that they are a picture of a gigabyte
    verbosity: 0,
  });
  task.onPassword = (answer: (password: string) => void, reason: number) => onPassword(answer, reason === PasswordResponses.INCORRECT_PASSWORD);
  return {
    document: task.promise,
    close: () => {
      void task.destroy().finally(() => {
        worker.destroy();
        port.terminate();
      });
    },
  };
}

export const problemOf = (err: unknown): PdfProblem => (err instanceof InvalidPDFException || (err instanceof Error && err.name === "FormatError") ? "broken" : "failed");
