import { describe, expect, it } from 'vitest';
import type { TransferRecord } from '../../../src/bpmp/capture/index.js';
import { fieldByName, fields, fieldsOf, valuesOf } from '../../../src/bpmp/fields/index.js';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import { BpmpError, encodeReply, parseRequestWords } from '../../../src/bpmp/wire/index.js';

function record(words: string, more: Partial<TransferRecord> = {}): TransferRecord {
  return {
    sequence: 7,
    vm: 'guest',
    timeNs: 1_700_000_000_000_000_000n,
    ...parseRequestWords(words.split(' '), tegra234),
    verdict: 'allow',
    rule: 'gpu.yaml:3 clocks.GPUSYS',
    ret: 0,
    rx: new Uint8Array(),
    latencyNs: 61_250,
    thread: 4711,
    ...more,
  };
}

/** What a name answers; a mistake in the name is the test's. */
function values(of: TransferRecord, name: string) {
  const field = fieldByName(name);
  if (field === undefined) throw new Error(`no field ${name}`);
  return valuesOf(of, field);
}

describe('the names of fields', () => {
  it('are each there once, in the form that Wireshark takes', () => {
    expect(fields.length).toBeGreaterThan(290);
    expect(new Set(fields.map(({ name }) => name)).size).toBe(fields.length);
    for (const { name } of fields) expect(name).toMatch(/^bpmp(\.[a-z0-9_]+)+$/);
  });

  it('say what they mean', () => {
    expect(fieldByName('bpmp.clk.rate_hz')?.meaning).toBe(
      'rate, in Hz; request of CLK SET_RATE, CLK ROUND_RATE',
    );
    for (const field of fields) expect(field.label, field.name).not.toBe('');
  });
});

describe('a record', () => {
  const setRate = record('clk set-rate GPC0CLK 1.3GHz', {
    rx: encodeReply({ mrq: 'CLK', command: 'SET_RATE', fields: { rateHz: 1_299_000_000 } }, tegra234).rx,
  });

  it('has the common fields', () => {
    expect(values(setRate, 'bpmp.vm')).toEqual(['guest']);
    expect(values(setRate, 'bpmp.mrq.name')).toEqual(['CLK']);
    expect(values(setRate, 'bpmp.cmd')).toEqual([2]);
    expect(values(setRate, 'bpmp.cmd.name')).toEqual(['SET_RATE']);
    expect(values(setRate, 'bpmp.request')).toEqual(['CLK SET_RATE GPC0CLK 1.3 GHz']);
    expect(values(setRate, 'bpmp.hidden')).toEqual([false]);
    expect(values(setRate, 'bpmp.time')).toEqual([61_250]);
    expect(values(setRate, 'bpmp.ret.name')).toEqual([]);
    expect(values(record('ping 1', { ret: BpmpError.EPERM }), 'bpmp.ret.name')).toEqual(['EPERM']);
    expect(values(record('ping 1', { thread: undefined }), 'bpmp.thread')).toEqual([]);
  });

  it('has what its request and its reply say, under names of their own', () => {
    expect(values(setRate, 'bpmp.clk.id')).toEqual([41]);
    expect(values(setRate, 'bpmp.clk.name')).toEqual(['GPC0CLK']);
    expect(values(setRate, 'bpmp.clk.rate_hz')).toEqual([1_300_000_000n]);
    expect(values(setRate, 'bpmp.clk.reply.rate_hz')).toEqual([1_299_000_000n]);
    expect(values(setRate, 'bpmp.reset.id')).toEqual([]);
  });

  it('has nothing of a reply where the firmware refused', () => {
    expect(values({ ...setRate, ret: -1 }, 'bpmp.clk.reply.rate_hz')).toEqual([]);
  });

  it('has the number of a choice, and its name where it has one', () => {
    const on = record('pg set-state GPU on');
    expect(values(on, 'bpmp.pg.name')).toEqual(['GPU']);
    expect(values(on, 'bpmp.pg.state')).toEqual([1]);
    expect(values(on, 'bpmp.pg.state.name')).toEqual(['ON']);
    const strange = record('pg set-state GPU 9');
    expect(values(strange, 'bpmp.pg.state')).toEqual([9]);
    expect(values(strange, 'bpmp.pg.state.name')).toEqual([]);
  });

  it('has several values of one field where it has a list', () => {
    const { rx } = encodeReply(
      {
        mrq: 'CLK',
        command: 'GET_ALL_INFO',
        fields: { flags: ['HAS_MUX', 'IS_ROOT'], parent: 'GPUSYS', parents: ['GPUSYS', 14], name: 'x' },
      },
      tegra234,
    );
    const info = record('clk get-all-info GPUSYS', { rx });
    expect(values(info, 'bpmp.clk.reply.parents')).toEqual([304, 14]);
    expect(values(info, 'bpmp.clk.reply.parents.name')).toEqual(['GPUSYS', 'CLK_M']);
    expect(values(info, 'bpmp.clk.reply.num_parents')).toEqual([2]);
    expect(values(info, 'bpmp.clk.reply.flags')).toEqual([5]);
    expect(values(info, 'bpmp.clk.reply.flags.is_root')).toEqual([true]);
    expect(values(info, 'bpmp.clk.reply.flags.is_var_root')).toEqual([false]);
  });

  it('tells all that it has', () => {
    const told = [...fieldsOf(setRate)].map(([field]) => field.name);
    expect(told).toContain('bpmp.clk.reply.rate_hz');
    expect(told).not.toContain('bpmp.ret.name');
    for (const [field, all] of fieldsOf(setRate)) expect(valuesOf(setRate, field)).toEqual(all);
  });
});
