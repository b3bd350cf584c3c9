/*
 * The rows of the list, computed anew only for what changed: a sync that brings events of fifty rooms costs fifty rows and not all of them. A row that
 * says the same stays the same object, so that only rows that changed are drawn anew.
 */
interface Row {
  id: string;
}

export interface RowSource<R extends Row> {
  /** The rooms that have a row. */
  ids(): string[];
  /** What a room's row says now; `before` is what it said. */
  row(id: string, before: R | undefined): R;
  equal(a: R, b: R): boolean;
  order(a: R, b: R): number;
}

export class Rows<R extends Row> {
  private readonly source: RowSource<R>;
  private byId = new Map<string, R>();
  private list: R[] = [];
  private readonly stale = new Set<string>();
  private all = true;

  constructor(source: RowSource<R>) {
    this.source = source;
  }

  /** Takes rows over from elsewhere, as what was said before. */
  seed(rows: readonly R[]): void {
    this.byId = new Map(rows.map((r) => [r.id, r]));
    this.all = true;
  }

  /** Something of this room changed. */
  touch(id: string | undefined): void {
    if (id !== undefined) this.stale.add(id);
  }

  /** It is not known what changed, or which rooms there are. */
  touchAll = (): void => {
    this.all = true;
  };

  /** What the rows said when they were last computed. */
  [Symbol.iterator](): IterableIterator<R> {
    return this.byId.values();
  }

  /** All rows in their order; the same array as long as none changed. */
  now(): R[] {
    if (!this.all && this.stale.size === 0) return this.list;
    const ids = this.all ? this.source.ids() : [...this.stale].filter((id) => this.byId.has(id));
    const next = this.all ? new Map<string, R>() : this.byId;
    let changed = this.all && ids.length !== this.list.length;
    for (const id of ids) {
      const before = this.byId.get(id);
      const fresh = this.source.row(id, before);
      const same = before !== undefined && this.source.equal(before, fresh);
      changed ||= !same;
      next.set(id, same ? before : fresh);
    }
    changed ||= this.list.some((r) => next.get(r.id) !== r);
    this.byId = next;
    this.all = false;
    this.stale.clear();
    if (changed || this.list.length !== next.size) this.list = [...next.values()].sort((a, b) => this.source.order(a, b));
    return this.list;
  }
}
