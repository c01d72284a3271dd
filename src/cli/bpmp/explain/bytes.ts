import { tegra234 } from '../../../bpmp/tegra234/index.js';
import { classify, commandOf, decodeRequest, mrqs, newShape } from '../../../bpmp/wire/index.js';
import { formatValue } from '../transfer-text.js';

/** Some bytes of a request and what they are. */
export interface BytesRow {
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** `clock = GPUSYS (304)`; what nobody looks at says so. */
  readonly meaning: string;
}

/** The command's place in the first word. */
const commandPlace = {
  none: undefined,
  word: { offset: 0, size: 4 },
  'word-with-clock': { offset: 3, size: 1 },
  'half-word-with-lane': { offset: 2, size: 2 },
} as const;

/** A request's bytes by what they are, in their order. */
export function bytesOf(mrq: number, tx: Uint8Array): BytesRow[] {
  const rows: BytesRow[] = [];
  const add = (offset: number, size: number, meaning: string) => {
    if (offset < tx.length && size > 0)
      rows.push({ offset, bytes: tx.subarray(offset, Math.min(tx.length, offset + size)), meaning });
  };
  const { command, fields } = decodeRequest(mrq, tx, tegra234);
  const place = commandPlace[mrqs.get(mrq)?.place ?? 'none'];
  if (place !== undefined && command !== undefined)
    add(place.offset, place.size, `command = ${command.name ?? 'unknown'} (${command.id})`);
  const info = commandOf(mrq, classify(mrq, tx, newShape()).command);
  for (const { item, offset } of info?.request.placed ?? []) {
    if (item.item === 'skip') continue;
    if (item.item === 'count') add(offset, item.type.size, `how many of what follows`);
    else {
      const value = fields[item.name];
      if (value === undefined) continue;
      const size =
        item.item === 'field'
          ? item.type.size
          : item.item === 'string'
            ? String(value).length + 1
            : tx.length - offset;
      add(offset, size, `${item.name} = ${formatValue(value)}`);
    }
  }
  return withGaps(
    rows.sort((a, b) => a.offset - b.offset),
    tx,
  );
}

/** What no field holds is shown too: a hostile request may hide in it, and a strange one be understood by it. */
function withGaps(rows: readonly BytesRow[], tx: Uint8Array): BytesRow[] {
  const all: BytesRow[] = [];
  let end = 0;
  const gap = (to: number) => {
    if (to > end) all.push({ offset: end, bytes: tx.subarray(end, to), meaning: 'not looked at' });
  };
  for (const row of rows) {
    if (row.offset < end) continue;
    gap(row.offset);
    all.push(row);
    end = row.offset + row.bytes.length;
  }
  gap(tx.length);
  return all;
}
