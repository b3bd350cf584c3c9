// pdf.js reads documents here, beside the page.
import "pdfjs-dist/legacy/build/pdf.worker.min.mjs";
