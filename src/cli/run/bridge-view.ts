import type { BridgeEnded, BridgeHandle } from '../../bpmp/worker/index.js';
import { followBridge, type RecordEvent } from '../../vm/request-events.js';
import { keepLearned } from './learned.js';
import type { Paint } from './paint.js';
import { releaseLines, requestTable } from './summary.js';
import { rowsOfSnapshot, Tally, type TallyRow } from './tally.js';
import { watchRequests } from './watch.js';

export interface BridgeViewOptions {
  /** Show each request, and the table of them at the end. */
  readonly watch: boolean;
  readonly paint: Paint;
  readonly note: (text: string) => void;
  readonly record?: RecordEvent;
  /** Where a policy that was learned goes. */
  readonly learnedFile?: string | undefined;
}

/** What people and the event log see of one guest's requests. */
export class BridgeView {
  readonly #options: BridgeViewOptions;
  #tally: Tally | undefined;
  #settle = () => {};
  #rows: readonly TallyRow[] = [];

  constructor(options: BridgeViewOptions) {
    this.#options = options;
  }

  /** The table of requests, once the guest has ended. */
  get rows(): readonly TallyRow[] {
    return this.#rows;
  }

  follow(bridge: BridgeHandle): void {
    const { watch, paint, note, record } = this.#options;
    for (const text of bridge.ready.notes) note(text);
    if (record) followBridge(bridge, record);
    this.#tally = new Tally(bridge);
    this.#settle = watchRequests(bridge, { all: watch, paint, print: note });
  }

  end(ended: BridgeEnded): void {
    const { watch, paint, note, record, learnedFile } = this.#options;
    this.#settle();
    const counted = this.#tally?.rows ?? [];
    this.#rows = counted.length > 0 ? counted : rowsOfSnapshot(ended.snapshot);
    record?.('requests', { rows: this.#rows, totals: ended.snapshot.totals });
    if (watch) for (const line of requestTable(this.#rows, paint)) note(line);
    const lost = this.#tally?.lost ?? 0;
    if (lost > 0) note(`${lost} requests were too many to be named here; the counts below hold them`);
    for (const line of releaseLines(ended)) note(line);
    this.#tally?.clear();
    if (ended.learned !== undefined) note(keepLearned(ended.learned, learnedFile));
  }
}
