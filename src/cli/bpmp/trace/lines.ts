import type { TransferRecord } from '../../../bpmp/capture/index.js';
import { tegra234 } from '../../../bpmp/tegra234/index.js';
import { describe } from '../../../bpmp/wire/index.js';
import { printable } from '../../printable.js';
import { paintFor } from '../../run/paint.js';
import { answerText } from './answer-text.js';
import type { Form } from './form.js';
import { hexDump } from './hex-dump.js';
import { formatLatency } from './latency.js';
import { type TimeForm, Times } from './times.js';

export interface LineOptions {
  readonly colour: boolean;
  readonly time: TimeForm;
  /** With the bytes of request and reply. */
  readonly hex: boolean;
  /** Name the VM in each line from the start; else from the first on that is of another. */
  readonly severalVms: boolean;
}

/** One line for each transfer, for people. */
export function lineForm({ colour, time, hex, severalVms }: LineOptions): Form {
  const paint = paintFor(colour);
  const times = new Times(time);
  let first: string | undefined;
  let namesVms = severalVms;
  return (record) => {
    first ??= record.vm;
    if (record.vm !== first) namesVms = true;
    const vm = namesVms ? `${printable(record.vm).padEnd(10)} ` : '';
    const request = describe(record.mrq, record.tx, tegra234);
    const head = `${paint.faint(times.format(record.timeNs))} ${vm}${paint.verdict(record.verdict)} ${request}`;
    const latency = paint.faint(formatLatency(record.latencyNs));
    const line = `${head} → ${answerText(record)}  ${latency}${paint.faint(whyOf(record))}\n`;
    return hex ? line + hexDump('tx', record.tx) + hexDump('rx', record.rx) : line;
  };
}

/** Which rule refused it or answered in the firmware's place. */
function whyOf({ verdict, rule, hidden, observed }: TransferRecord): string {
  if (verdict === 'allow') return '';
  const notes = `${hidden ? ' (hidden)' : ''}${observed ? ' (only observed)' : ''}`;
  return `  ${printable(rule)}${notes}`;
}
