import type { TransferRecord } from '../../../bpmp/capture/index.js';
import type { Output } from '../../output.js';
import type { Form } from './form.js';
import type { Tally } from './tally.js';

/** Output is handed on in pieces of this size: one write per line would be most of the time. */
const PIECE = 64 * 1024;

export interface PrintOptions {
  readonly stdout: Output;
  readonly form: Form;
  readonly passes: (record: TransferRecord) => boolean;
  readonly tally: Tally;
  /** No more than so many. */
  readonly count: number;
  /** Only the last so many, once all were seen. */
  readonly last?: number;
  readonly signal: AbortSignal;
}

/** Prints the transfers as fast as they are read by whoever reads them; ends early when nobody does. */
export async function printTransfers(
  batches: AsyncIterable<readonly TransferRecord[]>,
  options: PrintOptions,
): Promise<void> {
  const { stdout, form, passes, tally, count, last, signal } = options;
  const aborted = new Promise<void>((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  const hand = async (piece: string) => {
    if (!stdout.write(piece)) await Promise.race([stdout.drained(), aborted]);
  };
  const kept: TransferRecord[] = [];
  let shown = 0;
  for await (const batch of batches) {
    let piece = '';
    let looked = 0;
    for (const record of batch) {
      looked++;
      if (!passes(record)) continue;
      if (last !== undefined) {
        kept.push(record);
        if (kept.length > 2 * last) kept.splice(0, kept.length - last);
        continue;
      }
      shown = tally.show(record);
      piece += form(record);
      if (shown === count) break;
      if (piece.length < PIECE) continue;
      await hand(piece);
      piece = '';
      if (stdout.gone || signal.aborted) return;
    }
    tally.read(looked);
    // What has come is shown at once, however little.
    if (piece !== '') await hand(piece);
    if (shown === count || stdout.gone || signal.aborted) return;
  }
  for (const record of last === undefined ? [] : kept.slice(-last)) {
    tally.show(record);
    await hand(form(record));
    if (stdout.gone) return;
  }
}
