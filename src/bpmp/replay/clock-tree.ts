import type { Backend } from '../backend/index.js';
import { listParents } from '../mediator/index.js';
import type { ChipNames } from '../wire/index.js';

/** Which clock can hang on which, as a BPMP says it. */
export class ClockTree {
  readonly #parents: ReadonlyMap<number, readonly number[]>;
  readonly #children = new Map<number, number[]>();

  /** Asks once for each clock of the chip; one that cannot be asked for has no parents. */
  static async ask(backend: Backend, { clocks }: ChipNames): Promise<ClockTree> {
    const parents = new Map<number, readonly number[]>();
    for (const clock of clocks.ids) {
      const listed = (await listParents(clock, backend)) ?? [];
      parents.set(
        clock,
        listed.filter((parent) => parent <= clocks.maxId),
      );
    }
    return new ClockTree(parents);
  }

  constructor(parents: ReadonlyMap<number, readonly number[]>) {
    this.#parents = parents;
    for (const [clock, above] of parents) {
      for (const parent of above) {
        const below = this.#children.get(parent);
        if (below) below.push(clock);
        else this.#children.set(parent, [clock]);
      }
    }
  }

  /** The clocks that this one can hang on. */
  parentsOf(clock: number): readonly number[] {
    return this.#parents.get(clock) ?? [];
  }

  /** All clocks above some, up to the roots; some of them, where those are above others. */
  above(clocks: readonly number[]): Set<number> {
    return reach(clocks, this.#parents);
  }

  /** All clocks that can hang on one, be it by others. */
  below(clock: number): Set<number> {
    return reach([clock], this.#children);
  }
}

/** What is reached from some, themselves only where a way leads back. */
function reach(from: readonly number[], next: ReadonlyMap<number, readonly number[]>): Set<number> {
  const reached = new Set<number>();
  const queue = [...from];
  for (let clock = queue.pop(); clock !== undefined; clock = queue.pop()) {
    for (const other of next.get(clock) ?? []) {
      if (reached.has(other)) continue;
      reached.add(other);
      queue.push(other);
    }
  }
  return reached;
}
