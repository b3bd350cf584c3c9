import type { Logger } from "matrix-js-sdk/lib/logger.js";

const quiet = () => undefined;

/** The SDK logs much, some of it about messages: only warnings and errors reach the console. */
export const logger: Logger = {
  trace: quiet,
  debug: quiet,
  info: quiet,
  warn: (...args: unknown[]) => console.warn(...args),
  error: (...args: unknown[]) => console.error(...args),
  getChild: () => logger,
};
