/** A guest chooses how many different requests it is refused. */
const MAX_KEPT = 500;

/** What would allow a refused request, kept until the request itself is shown: the two are told apart. */
export class Fixes {
  readonly #fixes = new Map<string, string>();

  remember(mrq: number, tx: Uint8Array, fix: string | undefined): void {
    if (fix === undefined) return;
    if (this.#fixes.size >= MAX_KEPT) this.#fixes.delete(this.#fixes.keys().next().value!);
    this.#fixes.set(key(mrq, tx), fix);
  }

  take(mrq: number, tx: Uint8Array): string | undefined {
    const name = key(mrq, tx);
    const fix = this.#fixes.get(name);
    this.#fixes.delete(name);
    return fix;
  }
}

function key(mrq: number, tx: Uint8Array): string {
  return `${mrq}:${Buffer.from(tx).toString('latin1')}`;
}
