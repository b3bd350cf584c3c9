/*
 * The Content-Security-Policy demands Trusted Types. Nothing of ours assigns HTML; what is left are libraries that assign the
 * text of style elements (no markup) and the addresses of our own workers. Anything else throws.
 */
interface TrustedTypes {
  createPolicy(name: string, rules: { createHTML(s: string): string | null; createScriptURL(s: string): string | null }): unknown;
}

const factory = (window as { trustedTypes?: TrustedTypes }).trustedTypes;
factory?.createPolicy("default", {
  createHTML: (text) => (text.includes("<") ? null : text),
  createScriptURL: (url) => (new URL(url, location.href).origin === location.origin ? url : null),
});
