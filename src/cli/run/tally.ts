import { mrqs } from '../../bpmp/wire/index.js';
import type { BridgeHandle, BridgeSnapshot } from '../../bpmp/worker/index.js';
import { requestText } from '../../vm/request-events.js';

export interface TallyRow {
  /** `CLK ENABLE GPUSYS (304)`, or the MRQ's name where only that is known. */
  readonly request: string;
  readonly verdict: string;
  readonly ret?: number;
  readonly count: number;
}

/** A guest can make up as many different requests as it likes. */
const MAX_ROWS = 1000;
const OTHERS = 'other requests';
const HIDDEN = 'what the view hides';

/** Counts requests by name, verdict and return code, in the order in which they first came. */
export class Tally {
  readonly #rows = new Map<string, { request: string; verdict: string; ret: number; count: number }>();
  /** Transfers that nobody could record. */
  lost = 0;

  constructor(bridge: Pick<BridgeHandle, 'on'>) {
    bridge.on('transfers', (records, dropped) => {
      this.lost += dropped;
      for (const record of records) {
        this.#add(record.hidden ? HIDDEN : requestText(record), record.verdict, record.ret);
      }
    });
  }

  /** The next guest starts from nothing. */
  clear(): void {
    this.#rows.clear();
    this.lost = 0;
  }

  get rows(): readonly TallyRow[] {
    return [...this.#rows.values()];
  }

  #add(name: string, verdict: string, ret: number): void {
    let key = `${verdict} ${ret} ${name}`;
    let request = name;
    if (!this.#rows.has(key) && this.#rows.size >= MAX_ROWS) {
      request = OTHERS;
      key = `${verdict} ${OTHERS}`;
    }
    const row = this.#rows.get(key);
    if (row) row.count++;
    else this.#rows.set(key, { request, verdict, ret, count: 1 });
  }
}

/** What the bridge's own counters tell, by MRQ. */
export function rowsOfSnapshot({ rows }: BridgeSnapshot): TallyRow[] {
  return rows.map(({ mrq, verdict, latency }) => ({
    request: typeof mrq === 'number' ? (mrqs.get(mrq)?.name ?? `MRQ ${mrq}`) : 'unknown MRQs',
    verdict,
    count: latency.count,
  }));
}
