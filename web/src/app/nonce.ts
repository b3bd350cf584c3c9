import { setNonce } from "get-nonce";

/** The nonce that lets style elements in; the server makes a new one each time it sends the page. */
export function styleNonce(): string {
  return document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce ?? "";
}

// react-remove-scroll, which Mantine uses in modals, asks this package.
setNonce(styleNonce());
