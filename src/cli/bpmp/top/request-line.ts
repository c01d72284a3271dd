import type { TransferRecord } from '../../../bpmp/capture/index.js';
import { tegra234 } from '../../../bpmp/tegra234/index.js';
import { decodeReply, errorName, formatQuantity, mrqs, type Unit } from '../../../bpmp/wire/index.js';
import { requestText } from '../../../vm/request-events.js';
import { identify, resourceName } from './model/identity.js';

/** A reply's fields beyond so many characters are not for one line. */
const MOST_REPLY = 60;
const units: readonly (readonly [ending: string, Unit])[] = [
  ['KHz', 'kHz'],
  ['Hz', 'Hz'],
  ['MilliC', 'milliC'],
  ['KBps', 'kBps'],
  ['MW', 'mW'],
];

/** `SET_RATE 918 MHz → 918 MHz`: a request and its answer, without what stands beside it: the MRQ and the resource. */
export function shortRequestLine(record: TransferRecord): string {
  const { kind, id } = identify(record.mrq, record.tx);
  let text = requestText(record);
  const family = mrqs.get(record.mrq)?.name;
  if (family !== undefined && text.startsWith(`${family} `)) text = text.slice(family.length + 1);
  if (kind !== undefined) {
    const name = resourceName(kind, id);
    text = text.replace(` (${id})`, '');
    if (name !== undefined) text = text.replace(` ${name}`, '');
  }
  return `${text}${answerText(record)}`;
}

/** ` → 918 MHz`, ` → EPERM`; nothing where it was only done. */
export function answerText(record: TransferRecord): string {
  const { mrq, tx, ret, rx, verdict } = record;
  if (ret < 0) return ` → ${retName(ret)}`;
  if (verdict !== 'allow' || rx.length === 0) return '';
  const { status, fields } = decodeReply(mrq, tx, ret, rx, tegra234);
  if (status !== 'ok') return '';
  const text = Object.entries(fields).map(([name, value]) => fieldText(name, value));
  const line = (text.length === 1 ? text[0]! : text.join(' ')).slice(0, MOST_REPLY);
  return line === '' ? '' : ` → ${line}`;
}

function fieldText(name: string, value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') {
    const unit = units.find(([ending]) => name.endsWith(ending));
    return unit ? formatQuantity(Number(value), unit[1]) : `${name} ${value}`;
  }
  if (typeof value === 'string') return `${name} ${/^\w+$/.test(value) ? value : JSON.stringify(value)}`;
  const { id, name: known } = (value ?? {}) as { id?: unknown; name?: unknown };
  if (known !== undefined || id !== undefined) return `${name} ${String(known ?? id)}`;
  return name;
}

/** `EPERM`, or the number where nobody has a name for it. */
export function retName(ret: number): string {
  return errorName(ret) ?? String(ret);
}

/** A rule without the folders of its file: `gpu.yaml:12 clocks.GPUSYS`. */
export function shortRule(rule: string): string {
  return rule.replace(/^\S*\/(?=[^/\s]+:\d)/, '');
}
