/**
 * The names of properties as a blob holds them, in the order in which they come: each once, and one that ends an earlier
 * one is found inside of it, as dtc does it.
 */
export class Names {
  readonly #offsets = new Map<string, number>();
  readonly #all: string[] = [];
  #size = 0;

  add(name: string): void {
    if (this.#offsets.has(name)) return;
    for (let start = 0; start < name.length; start++) {
      const tail = name.slice(start);
      if (!this.#offsets.has(tail)) this.#offsets.set(tail, this.#size + start);
    }
    this.#all.push(name);
    this.#size += name.length + 1;
  }

  offsetOf(name: string): number {
    return this.#offsets.get(name)!;
  }

  bytes(): Uint8Array {
    return Buffer.from(this.#all.map((name) => `${name}\0`).join(''), 'latin1');
  }
}
