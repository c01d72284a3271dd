import { randomInt } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { readCapture, type TransferRecord } from '../../../src/bpmp/capture/index.js';
import { type Field, type FieldValue, fields, fieldsOf } from '../../../src/bpmp/fields/index.js';
import { Chance, randomTransfer } from '../../support/random-transfers.js';
import { Tshark } from './tshark.js';

const tshark = new Tshark();
afterAll(() => tshark.remove());

/** A value as tshark prints it. */
function printed(value: FieldValue, { type }: Field): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (type === 'time')
    return `${Math.floor(Number(value) / 1e9)}.${String(Number(value) % 1e9).padStart(9, '0')}`;
  return Object.is(value, -0) ? '-0' : String(value);
}

/** What a version of tshark prints in its own way: bits as digits or words, floats to a few digits. */
function settled(text: string, { type }: Field): string {
  if (type === 'bool') return { '1': 'true', '0': 'false' }[text] ?? text.toLowerCase();
  if (type !== 'float') return text;
  if (/nan/i.test(text)) return 'nan';
  const number = Number(text.replace(/inf$/, 'Infinity'));
  return Object.is(number, -0) ? '-0' : Number(number.toPrecision(6)).toString();
}

async function readBack(path: string): Promise<TransferRecord[]> {
  const records: TransferRecord[] = [];
  for await (const batch of readCapture(path)) records.push(...batch);
  return records;
}

/** Where they differ, packet by packet; and how many values they agree on. */
async function compare(seed: number, count: number): Promise<{ differences: string[]; values: number }> {
  const chance = new Chance(seed);
  const path = tshark.capture(
    `${seed}.pcapng`,
    Array.from({ length: count }, (_, index) => randomTransfer(chance, index)),
  );
  const records = await readBack(path);
  const { packets, stderr } = await tshark.fields(path, [
    ...fields.map(({ name }) => name),
    'frame.time_epoch',
    'frame.interface_name',
  ]);
  expect(stderr).not.toMatch(/Lua|error/i);
  expect(records).toHaveLength(count);
  expect(packets).toHaveLength(count);
  const differences: string[] = [];
  let values = 0;
  packets.forEach((packet, index) => {
    const record = records[index]!;
    const ours = new Map([...fieldsOf(record)].map(([field, all]) => [field, all]));
    const time = `${record.timeNs / 1_000_000_000n}.${String(record.timeNs % 1_000_000_000n).padStart(9, '0')}`;
    if (packet['frame.time_epoch']?.[0] !== time) differences.push(`#${index} time ${time}`);
    for (const field of fields) {
      const left = (ours.get(field) ?? []).map((value) => settled(printed(value, field), field));
      const right = (packet[field.name] ?? []).map((text) => settled(text, field));
      values += left.length;
      if (left.length !== right.length || left.some((text, at) => text !== right[at]))
        differences.push(
          `#${index} ${field.name}: ${JSON.stringify(left)}, tshark: ${JSON.stringify(right)}`,
        );
    }
  });
  return { differences, values };
}

describe('our reader and tshark', () => {
  it.each([
    ['the same ones each time', 20_260_214],
    ['others each time', randomInt(1, 2 ** 31)],
  ])('agree on every field of 10,000 random records, %s (seed %i)', async (_, seed) => {
    const { differences, values } = await compare(seed, 10_000);
    expect(differences.slice(0, 10), `seed ${seed}`).toEqual([]);
    expect(values).toBeGreaterThan(200_000);
  });

  it('know the same fields, of the same types', async () => {
    const { stdout } = await tshark.run(['-G', 'fields']);
    const theirs = new Map(
      stdout.split('\n').flatMap((line) => {
        const [kind, , name = '', type] = line.split('\t');
        return kind === 'F' && /^bpmp\.(?!expert\.)/.test(name) ? [[name, type] as const] : [];
      }),
    );
    const types: Record<Field['type'], RegExp> = {
      uint: /^FT_UINT(32|64)$/,
      int: /^FT_INT(32|64)$/,
      float: /^FT_FLOAT$/,
      string: /^FT_STRING$/,
      bool: /^FT_BOOLEAN$/,
      bytes: /^FT_BYTES$/,
      time: /^FT_RELATIVE_TIME$/,
    };
    for (const { name, type } of fields) expect(theirs.get(name), name).toMatch(types[type]);
    const more = [...theirs.keys()].filter((name) => !fields.some((field) => field.name === name));
    expect(more.sort()).toEqual(['bpmp.next', 'bpmp.previous']);
  });
});
