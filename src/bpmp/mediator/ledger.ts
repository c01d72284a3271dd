import { type Aspect, aspects } from './aspects.js';

/** One thing that the guest has changed and not put back. */
export interface Holding {
  readonly aspect: Aspect;
  readonly id: number;
  /** The value before the guest's change; undefined where it could not be learnt. */
  readonly before: number | undefined;
  readonly now: number;
  /** A resource that the host uses too: what the guest switched on there stays on. */
  readonly shared: boolean;
  /** Found in a store whose writer died meanwhile: whether the change was made, nobody can tell. */
  readonly unsure?: boolean;
}

/** Where a ledger is written through to, so that somebody else can give back what it holds. */
export interface LedgerStore {
  /** A thing that is not held is about to be changed. Throws where that cannot be noted; then it must not be. */
  intend(aspect: Aspect, id: number, before: number | undefined, shared: boolean): void;
  /** It was changed, perhaps again. */
  hold(holding: Holding): void;
  /** It is back, or was not changed after all. */
  drop(aspect: Aspect, id: number): void;
}

/**
 * What one VM holds: each change of the firmware's state that it made, in the order in which it made them. A thing
 * that is back at its value from before is held no more, so the ledger is bounded by the resources that the policy
 * grants.
 */
export class Ledger {
  readonly #holdings = new Map<number, Holding>();
  readonly #store: LedgerStore | undefined;
  /** Changes on their way, by thing: only what is not held yet is counted, and only where there is a store. */
  readonly #intended = new Map<number, number>();

  /** @param held - what a former owner left, oldest change first; the store has it already */
  constructor(store?: LedgerStore, held: readonly Holding[] = []) {
    this.#store = store;
    for (const holding of held) this.#holdings.set(key(holding.aspect, holding.id), holding);
  }

  get(aspect: Aspect, id: number): Holding | undefined {
    return this.#holdings.get(key(aspect, id));
  }

  /** To be called before a change is forwarded. Throws where it could not be written down, and must not be made. */
  intend(aspect: Aspect, id: number, before: number | undefined, shared: boolean): void {
    if (this.#store === undefined) return;
    const at = key(aspect, id);
    if (this.#holdings.has(at)) return;
    this.#store.intend(aspect, id, before, shared);
    this.#intended.set(at, (this.#intended.get(at) ?? 0) + 1);
  }

  /** The change that was intended was not made. */
  abandon(aspect: Aspect, id: number): void {
    if (this.#store === undefined) return;
    const at = key(aspect, id);
    if (!this.#settle(at) && !this.#holdings.has(at)) this.#store.drop(aspect, id);
  }

  /** Notes that the guest left `id` at `now`. `before` counts only for a thing that was not held yet. */
  note(aspect: Aspect, id: number, before: number | undefined, now: number, shared: boolean): void {
    const at = key(aspect, id);
    const held = this.#holdings.get(at);
    const was = held === undefined ? before : held.before;
    if (was === now) {
      this.#holdings.delete(at);
      // Another change of it that is still on its way counts from the same value.
      if (this.#store !== undefined && !this.#settle(at)) this.#store.drop(aspect, id);
      return;
    }
    const holding = { aspect, id, before: was, now, shared };
    this.#holdings.set(at, holding);
    if (this.#store === undefined) return;
    this.#settle(at);
    this.#store.hold(holding);
  }

  drop(holding: Holding): void {
    this.#holdings.delete(key(holding.aspect, holding.id));
    this.#store?.drop(holding.aspect, holding.id);
  }

  /** One change is no longer on its way; true where another one still is. */
  #settle(at: number): boolean {
    const left = (this.#intended.get(at) ?? 1) - 1;
    if (left > 0) this.#intended.set(at, left);
    else this.#intended.delete(at);
    return left > 0;
  }

  get size(): number {
    return this.#holdings.size;
  }

  /** How many of one aspect are held. */
  count(aspect: Aspect): number {
    let count = 0;
    for (const holding of this.#holdings.values()) if (holding.aspect === aspect) count++;
    return count;
  }

  /** Oldest change first. */
  holdings(): Holding[] {
    return [...this.#holdings.values()];
  }
}

/** `clock GPUSYS`, `clock rate GPC0CLK`, `debug file 3`. */
export function nameHolding(
  holding: Holding,
  nameOf: (aspect: Aspect, id: number) => string | undefined,
): string {
  return `${aspects[holding.aspect].kind} ${nameOf(holding.aspect, holding.id) ?? holding.id}`;
}

/** Debug file descriptors are 32 bits wide, the rest less: both fit below 2^53. */
function key(aspect: Aspect, id: number): number {
  return aspect * 2 ** 32 + id;
}
