import type { TransferRecord } from '../../bpmp/capture/index.js';
import type { Embedded } from '../data/columns.js';
import type { Summary } from '../data/summary.js';
import { Denials, type FixOf } from './denials.js';
import { HeldTimes } from './holds.js';
import { cutText, Rows } from './rows.js';
import { Totals } from './totals.js';

/** What of a report's summary is found out from its transfers. */
export type Found = Omit<
  Summary,
  'title' | 'source' | 'version' | 'madeAt' | 'filter' | 'notices' | 'memoryMap'
>;

/** Takes transfers one by one and keeps what a page needs, in bounded memory however many they are. */
export class Collector {
  readonly #rows: Rows;
  readonly #totals = new Totals();
  readonly #denials = new Denials();
  readonly #holds = new HeldTimes();
  readonly #wanted: ((record: TransferRecord) => boolean) | undefined;

  /** @param limit how many transfers are kept one by one */
  constructor(limit: number, wanted?: (record: TransferRecord) => boolean) {
    this.#rows = new Rows(limit);
    this.#wanted = wanted;
  }

  add(record: TransferRecord): void {
    this.#totals.follow(record);
    if (this.#wanted && !this.#wanted(record)) return;
    this.#totals.add(record);
    this.#rows.add(record);
    this.#denials.add(record);
    this.#holds.add(record);
  }

  finish(fixOf?: FixOf): { found: Found; embedded: Embedded } {
    const { transfers, outcomes, mrqs, vms, lost, firstNs = 0n, lastNs = 0n } = this.#totals;
    const { columns, tables } = this.#rows.finish(firstNs);
    const holds = this.#holds.finish(firstNs, lastNs, tables.vms.map(cutText));
    const found: Found = {
      beginNs: firstNs.toString(),
      spanNs: Number(lastNs - firstNs),
      transfers,
      outcomes,
      vms,
      mrqs,
      ...this.#denials.summary(firstNs, fixOf),
      lost: { transfers: lost, gaps: this.#totals.gapsAfter(firstNs) },
      kept: { rows: columns.length, ...this.#rows.stride },
    };
    return { found, embedded: { columns, tables, holds } };
  }
}
