import { describe, expect, it } from 'vitest';
import { decodeTransfer, encodeTransfer } from '../../../src/bpmp/capture/index.js';
import { fieldByName, fields, fieldsOf, valuesOf } from '../../../src/bpmp/fields/index.js';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import { decodeReply, decodeRequest, type Value } from '../../../src/bpmp/wire/index.js';
import { Chance, randomTransfer } from '../../support/random-transfers.js';

/** Every number and text in a decoded value; of a resource its number, of a choice or flags their names. */
function leaves(value: Value): string[] {
  if (typeof value !== 'object') return [String(value).replaceAll('\0', '␀')];
  if (Array.isArray(value)) return value.flatMap(leaves);
  const { id, name, ...others } = value as { id?: Value; name?: Value };
  if (id !== undefined && Object.keys(others).length === 0)
    return [String(id), ...(name === undefined ? [] : [String(name)])];
  return Object.values(value as Record<string, Value>).flatMap(leaves);
}

/** The values of fields as text, without what the decoded form has no place for. */
function told(values: readonly unknown[]): string[] {
  return values.map((value) => {
    if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
    return Object.is(value, -0) ? '-0' : String(value);
  });
}

describe('fields', () => {
  const seed = 0xf1e1d5;
  const chance = new Chance(seed);
  const records = Array.from({ length: 12_000 }, (_, index) => randomTransfer(chance, index));

  it('hold everything that decoding gives', () => {
    for (const record of records) {
      const have = new Map([...fieldsOf(record)].map(([field, values]) => [field.name, told(values)]));
      const all = new Set([...have.values()].flat());
      const request = decodeRequest(record.mrq, record.tx, tegra234);
      const reply = decodeReply(record.mrq, record.tx, record.ret, record.rx, tegra234);
      expect(have.get('bpmp.status')).toEqual([request.status]);
      expect(have.get('bpmp.reply.status')).toEqual([reply.status]);
      expect(have.get('bpmp.mrq.name')?.[0]).toBe(request.mrq.name);
      expect(have.get('bpmp.cmd')?.[0]).toBe(request.command && String(request.command.id));
      expect(have.get('bpmp.cmd.name')?.[0]).toBe(request.command?.name);
      for (const value of [...leaves(request.fields), ...leaves(reply.fields)]) {
        const isFlag = /^0x|^[A-Z_]+$/.test(value) && !all.has(value);
        if (isFlag || value === '') continue;
        if (!all.has(value)) expect.fail(`seed ${seed}, record ${record.sequence}: ${value} is in no field`);
      }
    }
  });

  it('are each in some record', () => {
    const seen = new Set(records.flatMap((record) => [...fieldsOf(record)].map(([field]) => field)));
    expect(fields.filter((field) => !seen.has(field)).map(({ name }) => name)).toEqual([]);
  });

  it('are the same in a record that was captured', () => {
    for (const record of records.slice(0, 1000)) {
      const read = decodeTransfer(encodeTransfer(record));
      if (typeof read === 'string') throw new Error(read);
      expect([...fieldsOf(read)]).toEqual([...fieldsOf(record)]);
    }
  });

  it('are looked at one record at a time, in any order', () => {
    const name = fieldByName('bpmp.clk.name')!;
    const [first, second] = records.filter((record) => valuesOf(record, name).length > 0);
    expect(valuesOf(first!, name)).toEqual(valuesOf({ ...first! }, name));
    expect([valuesOf(second!, name), valuesOf(first!, name)]).toEqual([
      valuesOf({ ...second! }, name),
      valuesOf({ ...first! }, name),
    ]);
  });
});
