import type { ResourceTable } from '../wire/index.js';

type Numbers = Readonly<Record<string, number>>;

/** A generated table as lookups in both directions; the maps are made when first asked, so that importing is cheap. */
export class NameTable implements ResourceTable {
  readonly #prefix: string;
  readonly #numbers: Numbers;
  #ids: readonly number[] | undefined;
  #byId: Map<number, string> | undefined;
  #byName: Map<string, number> | undefined;

  constructor(
    readonly kind: string,
    prefix: string,
    numbers: Numbers,
  ) {
    this.#prefix = prefix;
    this.#numbers = numbers;
  }

  nameOf(id: number): string | undefined {
    if (!this.#byId) {
      this.#byId = new Map();
      for (const [name, number] of Object.entries(this.#numbers)) {
        if (!this.#byId.has(number)) this.#byId.set(number, name);
      }
    }
    return this.#byId.get(id);
  }

  /** Any case, any alias, `-` for `_`, and the header's whole name (`TEGRA234_CLK_GPUSYS`) too. */
  idOf(name: string): number | undefined {
    this.#byName ??= new Map(Object.entries(this.#numbers));
    const wanted = name.toUpperCase().replaceAll('-', '_');
    const id = this.#byName.get(wanted);
    if (id !== undefined || !wanted.startsWith(this.#prefix)) return id;
    return this.#byName.get(wanted.slice(this.#prefix.length));
  }

  get ids(): readonly number[] {
    this.#ids ??= [...new Set(Object.values(this.#numbers))].sort((a, b) => a - b);
    return this.#ids;
  }

  get names(): readonly string[] {
    return Object.keys(this.#numbers);
  }

  get maxId(): number {
    return this.ids.at(-1) ?? 0;
  }
}
