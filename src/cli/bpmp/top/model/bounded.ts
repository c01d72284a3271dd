/** What of a full table makes room at a time. */
const SHARE = 4;

/**
 * Rows by key, never more than so many: a guest makes up ids without limit. When it is full, a quarter makes room, the
 * least worth first, and is only counted from then on.
 */
export class Bounded<Row> {
  readonly #rows = new Map<number | string, Row>();
  readonly #capacity: number;
  readonly #worth: (row: Row) => number;
  readonly #countOf: (row: Row) => number;
  /** Rows that made room, and what they had counted. */
  evicted = { rows: 0, count: 0 };

  constructor(capacity: number, worth: (row: Row) => number, countOf: (row: Row) => number) {
    this.#capacity = capacity;
    this.#worth = worth;
    this.#countOf = countOf;
  }

  get(key: number | string): Row | undefined {
    return this.#rows.get(key);
  }

  add(key: number | string, row: Row): Row {
    if (this.#rows.size >= this.#capacity) this.#makeRoom();
    this.#rows.set(key, row);
    return row;
  }

  get rows(): IterableIterator<Row> {
    return this.#rows.values();
  }

  get size(): number {
    return this.#rows.size;
  }

  #makeRoom(): void {
    const worst = [...this.#rows].sort(([, a], [, b]) => this.#worth(a) - this.#worth(b));
    for (const [key, row] of worst.slice(0, Math.ceil(this.#capacity / SHARE))) {
      this.#rows.delete(key);
      this.evicted.rows++;
      this.evicted.count += this.#countOf(row);
    }
  }
}
