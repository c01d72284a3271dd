import { randomInt } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { readCapture, type TransferRecord } from '../../../src/bpmp/capture/index.js';
import { type Field, fields } from '../../../src/bpmp/fields/index.js';
import { Chance, randomTransfer } from '../../support/random-transfers.js';
import { differences } from './differences.js';
import { Tshark } from './tshark.js';

const tshark = new Tshark();
afterAll(() => tshark.remove());

const names = fields.map(({ name }) => name);

async function readBack(path: string): Promise<TransferRecord[]> {
  const records: TransferRecord[] = [];
  for await (const batch of readCapture(path)) records.push(...batch);
  return records;
}

function seconds(timeNs: bigint): string {
  return `${timeNs / 1_000_000_000n}.${String(timeNs % 1_000_000_000n).padStart(9, '0')}`;
}

describe('our reader and tshark', () => {
  it.each([
    ['the same ones each time', 20_260_214],
    ['others each time', randomInt(1, 2 ** 31)],
  ])('agree on every field of 10,000 random records, %s (seed %i)', async (_, seed) => {
    const chance = new Chance(seed);
    const transfers = Array.from({ length: 10_000 }, (_, index) => randomTransfer(chance, index));
    const path = tshark.capture(`${seed}.pcapng`, transfers);
    const records = await readBack(path);
    const { packets, stderr } = await tshark.fields(path, [...names, 'frame.time_epoch']);
    expect(stderr).not.toMatch(/Lua|error/i);
    expect(records).toHaveLength(transfers.length);
    expect(packets).toHaveLength(transfers.length);
    const wrong: string[] = [];
    let values = 0;
    for (const [index, record] of records.entries()) {
      const packet = packets[index]!;
      const { found, agreed } = differences(record, packet);
      values += agreed;
      wrong.push(...found.map((difference) => `record ${index}: ${JSON.stringify(difference)}`));
      if (packet['frame.time_epoch']?.[0] !== seconds(record.timeNs)) wrong.push(`record ${index}: its time`);
    }
    expect(wrong.slice(0, 10), `seed ${seed}`).toEqual([]);
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
    const more = [...theirs.keys()].filter((name) => !names.includes(name));
    expect(more.sort()).toEqual(['bpmp.next', 'bpmp.previous']);
  });
});
