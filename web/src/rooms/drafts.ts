/** The rooms that have a text which was begun and not sent. */
export function useDrafts(): ReadonlySet<string> {
  return none;
}

const none: ReadonlySet<string> = new Set();
