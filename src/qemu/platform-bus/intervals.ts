interface Interval {
  readonly start: bigint;
  /** Not included. */
  readonly end: bigint;
}

/** A set of numbers as sorted intervals, those that touch made one: thousands of regions are still looked up fast. */
export class Intervals {
  readonly #sorted: Interval[] = [];

  add(start: bigint, end: bigint): void {
    const first = this.#firstEndingFrom(start);
    let behind = first;
    let merged: Interval = { start, end };
    for (let other = this.#sorted[behind]; other && other.start <= end; other = this.#sorted[++behind]) {
      if (other.start < merged.start) merged = { ...merged, start: other.start };
      if (other.end > merged.end) merged = { ...merged, end: other.end };
    }
    this.#sorted.splice(first, behind - first, merged);
  }

  /** Where the last of the intervals that share something with this one ends; undefined where none does. */
  lastEndIn(start: bigint, end: bigint): bigint | undefined {
    // Up to the first that begins behind it.
    let found: bigint | undefined;
    let at = this.#firstEndingFrom(start + 1n);
    for (let other = this.#sorted[at]; other && other.start < end; other = this.#sorted[++at])
      found = other.end;
    return found;
  }

  /** The index of the first interval whose end is at least this. */
  #firstEndingFrom(end: bigint): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sorted[middle]!.end < end) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
