import type { TransferRecord } from '../../../bpmp/capture/index.js';
import { tegra234 } from '../../../bpmp/tegra234/index.js';
import { decodeReply, formatQuantity, quote, type Unit, withoutUnit } from '../../../bpmp/wire/index.js';
import { formatRet } from '../transfer-text.js';

const LONGEST = 100;

/** What the guest was answered, in a few words: `1.3 GHz`, `-1 (EPERM)`, `state=ON, parents=[PLLP_OUT0, OSC]`, `0`. */
export function answerText({ mrq, tx, ret, rx }: TransferRecord): string {
  if (ret !== 0 || rx.length === 0) return formatRet(ret);
  const { status, fields, reason } = decodeReply(mrq, tx, ret, rx, tegra234);
  if (status === 'malformed') return `0, malformed reply: ${reason}`;
  const entries = Object.entries(fields);
  if (entries.length === 0) return status === 'unknown' ? `0, ${rx.length} bytes` : '0';
  const texts = entries.map(([name, value]) => {
    const text = valueText(name, value);
    return entries.length === 1 ? text : `${withoutUnit(name)}=${text}`;
  });
  const line = texts.join(', ');
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
}

const units: readonly (readonly [string, Unit])[] = [
  ['KHz', 'kHz'],
  ['Hz', 'Hz'],
  ['KBps', 'kBps'],
  ['MilliC', 'milliC'],
  ['Ns', 'ns'],
  ['MW', 'mW'],
];

function valueText(name: string, value: unknown): string {
  if (typeof value === 'number') {
    const unit = units.find(([ending]) => name.endsWith(ending))?.[1];
    return unit === undefined ? String(value) : formatQuantity(value, unit);
  }
  if (typeof value === 'string') return quote(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map((inner) => valueText('', inner)).join(', ')}]`;
  const { id, name: known, ...others } = value as Readonly<Record<string, unknown>>;
  if (Object.keys(others).length === 0 && id !== undefined)
    return typeof known === 'string' ? known : String(id);
  return `{${Object.entries(value)
    .map(([key, inner]) => `${key}=${valueText(key, inner)}`)
    .join(', ')}}`;
}
