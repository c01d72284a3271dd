import { type ChipNames, Mrq, mrqs, type ResourceTable, type Shape } from '../wire/index.js';

/** What a denied request asked for, and how often. */
export interface DeniedResource {
  /** `mrq` for what names no resource that policies grant one by one. */
  readonly kind: 'clock' | 'reset' | 'power-domain' | 'i2c-bus' | 'mrq';
  /** The chip's name of it, a bus's number, the MRQ's name; `other` for all that the chip and the ABI do not have. */
  readonly resource: string;
  /** Absent of `other`. */
  readonly id?: number;
  readonly count: number;
}

/** By kind and id, as JSON can hold it. */
export type SavedDenials = readonly (readonly [key: number, count: number])[];

const kinds = ['clock', 'reset', 'power-domain', 'i2c-bus', 'mrq'] as const;
const MRQ_KIND = kinds.indexOf('mrq');
/** Beyond every id of any kind. */
const OTHER = 0xffff_ffff;
const BUSES = 16;

/**
 * Denials by resource. A guest makes up ids and MRQs as it likes: only what the chip's tables and the ABI name has a count
 * of its own, so that neither this nor what is made of it grows beyond them.
 */
export class DeniedResources {
  readonly #counts = new Map<number, number>();
  readonly #tables: readonly (ResourceTable | undefined)[];

  constructor({ clocks, resets, powerDomains }: ChipNames) {
    this.#tables = [clocks, resets, powerDomains];
  }

  add(shape: Shape): void {
    const key = this.#keyOf(shape);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  save(): SavedDenials {
    return [...this.#counts];
  }

  restore(saved: SavedDenials): void {
    for (const [key, count] of saved) this.#counts.set(key, (this.#counts.get(key) ?? 0) + count);
  }

  /** Those denied most often first. */
  rows(): DeniedResource[] {
    const rows = [...this.#counts].map(([key, count]) => {
      const kind = Math.floor(key / 2 ** 32);
      const id = key % 2 ** 32;
      const resource = id === OTHER ? undefined : this.#nameOf(kind, id);
      if (resource === undefined) return { kind: kinds[kind] ?? 'mrq', resource: 'other', count };
      return { kind: kinds[kind], resource, id, count };
    });
    return rows.sort((a, b) => b.count - a.count);
  }

  #keyOf({ mrq, id }: Shape): number {
    const kind = kindOf(mrq);
    // A request that names no resource, GET_MAX_ID say, is its family's.
    if (kind === MRQ_KIND || id < 0) return MRQ_KIND * 2 ** 32 + (mrqs.has(mrq) ? mrq : OTHER);
    return kind * 2 ** 32 + (this.#nameOf(kind, id) === undefined ? OTHER : id);
  }

  #nameOf(kind: number, id: number): string | undefined {
    if (kind === MRQ_KIND) return mrqs.get(id)?.name;
    const table = this.#tables[kind];
    if (table !== undefined) return table.nameOf(id);
    return id < BUSES ? String(id) : undefined;
  }
}

function kindOf(mrq: number): number {
  switch (mrq) {
    case Mrq.CLK:
      return 0;
    case Mrq.RESET:
      return 1;
    case Mrq.PG:
      return 2;
    case Mrq.I2C:
      return 3;
    default:
      return MRQ_KIND;
  }
}
