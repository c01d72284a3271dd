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
}

/**
 * What one VM holds: each change of the firmware's state that it made, in the order in which it made them. A thing
 * that is back at its value from before is held no more, so the ledger is bounded by the resources that the policy
 * grants.
 */
export class Ledger {
  readonly #holdings = new Map<number, Holding>();

  get(aspect: Aspect, id: number): Holding | undefined {
    return this.#holdings.get(key(aspect, id));
  }

  /** Notes that the guest left `id` at `now`. `before` counts only for a thing that was not held yet. */
  note(aspect: Aspect, id: number, before: number | undefined, now: number, shared: boolean): void {
    const at = key(aspect, id);
    const held = this.#holdings.get(at);
    const was = held === undefined ? before : held.before;
    if (was === now) this.#holdings.delete(at);
    else this.#holdings.set(at, { aspect, id, before: was, now, shared });
  }

  drop(holding: Holding): void {
    this.#holdings.delete(key(holding.aspect, holding.id));
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
