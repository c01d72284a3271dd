import { describe, expect, it } from 'vitest';
import type { TransferRecord } from '../../../src/bpmp/capture/index.js';
import { compileFilter, MOST_CHARACTERS, MOST_DEPTH } from '../../../src/bpmp/filter/index.js';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import { encodeRequest } from '../../../src/bpmp/wire/index.js';
import { GpuvmError } from '../../../src/errors.js';
import { expressions } from './expressions.js';

const enable = encodeRequest({ mrq: 'CLK', command: 'ENABLE', fields: { clock: 'GPUSYS' } }, tegra234);
const rate = encodeRequest(
  { mrq: 'CLK', command: 'SET_RATE', fields: { clock: 'GPC0CLK', rateHz: 1_300_000_000 } },
  tegra234,
);

const denied: TransferRecord = {
  sequence: 3,
  vm: 'orin',
  timeNs: 1_700_000_000_000_000_000n,
  ...enable,
  verdict: 'deny',
  rule: 'built-in: no rule grants it',
  ret: -1,
  rx: new Uint8Array(0),
  latencyNs: 5_000_000,
};
const set: TransferRecord = { ...denied, ...rate, verdict: 'allow', ret: 0, rx: rate.tx.slice(8) };

/** GET_ALL_INFO's reply with the parents that are given. */
function parents(...ids: number[]): TransferRecord {
  const { mrq, tx } = encodeRequest(
    { mrq: 'CLK', command: 'GET_ALL_INFO', fields: { clock: 'GPC0CLK' } },
    tegra234,
  );
  const rx = Buffer.alloc(116);
  ids.forEach((id, index) => {
    rx.writeUInt32LE(id, 8 + 4 * index);
  });
  rx[72] = ids.length;
  return { ...denied, mrq, tx, rx, ret: 0, verdict: 'allow' };
}

function shownBy(text: string): { message: string; shown: string[] } {
  try {
    compileFilter(text);
  } catch (error) {
    if (!GpuvmError.is(error, 'GPUVM_FILTER')) throw error;
    return { message: error.message, shown: error.details.shown as string[] };
  }
  throw new Error(`${text} was taken`);
}

describe('a filter', () => {
  it.each([
    ['', true],
    ['bpmp.verdict == "deny"', true],
    ['bpmp.verdict == deny', true],
    ['bpmp.clk.name == "GPUSYS" && bpmp.verdict == "deny"', true],
    ['bpmp.clk.name eq GPUSYS and not bpmp.verdict eq allow', true],
    ['bpmp.ret == EPERM', true],
    ['bpmp.ret == -1', true],
    ['bpmp.mrq == CLK', true],
    ['bpmp.mrq == 0x16', true],
    ['bpmp.mrq == 0b10110', true],
    ['bpmp.mrq in {1..5, CLK}', true],
    ['bpmp.mrq not in {1..5, CLK}', false],
    ['bpmp.latency == 5ms', true],
    ['bpmp.latency > 4999us', true],
    ['bpmp.time == 0.005', true],
    ['bpmp.time == 5ms', true],
    ['bpmp.time < 5000µs', false],
    ['bpmp.tx contains 07', true],
    ['bpmp.tx == 30:01:00:07', true],
    ['bpmp.tx == 30-01-00-07', true],
    ['bpmp.tx contains "0\\x01"', true],
    ['bpmp.tx matches r"\\x01.\\x07$"', true],
    ['bpmp.rule matches "NO RULE"', true],
    ['bpmp.rule matches "(?-i)NO RULE"', false],
    ['bpmp.rule ~ r"^built\\-in: \\w+"', true],
    ['bpmp.rx', false],
    ['bpmp.hidden', true],
    ['bpmp.hidden == true', false],
    ['bpmp.clk.rate_hz', false],
    ['bpmp.clk.rate_hz != 5', false],
    ['!(bpmp.clk.rate_hz == 5)', true],
    ['bpmp.rx.size < bpmp.tx.size', true],
    ['bpmp.sequence == bpmp.tx.size', false],
  ])('%s of a denied request: %s', (text, answer) => {
    expect(compileFilter(text)(denied)).toBe(answer);
  });

  it.each([
    ['bpmp.clk.rate_hz == 1.3GHz', true],
    ['bpmp.clk.rate_hz == 1300000000', true],
    ['bpmp.clk.rate_hz in {1GHz..2GHz}', true],
    ['bpmp.clk.rate_hz > 1300MHz', false],
    ['bpmp.clk.rate_hz > bpmp.tx.size', true],
    ['bpmp.clk.rate_hz == bpmp.tx.size', false],
  ])('takes 64 bits and units: %s: %s', (text, answer) => {
    expect(compileFilter(text)(set)).toBe(answer);
  });

  it('goes over several values as Wireshark 4 does', () => {
    const answers = (text: string) =>
      [parents(1, 2), parents(1, 1), parents(2, 3), parents()].map(compileFilter(text)).join(' ');
    expect(answers('bpmp.clk.reply.parents == 1')).toBe('true true false false');
    expect(answers('bpmp.clk.reply.parents === 1')).toBe('false true false false');
    expect(answers('bpmp.clk.reply.parents != 1')).toBe('false false true false');
    expect(answers('bpmp.clk.reply.parents ~= 1')).toBe('true false true false');
    expect(answers('all bpmp.clk.reply.parents > 1')).toBe('false false true false');
    expect(answers('any bpmp.clk.reply.parents > 1')).toBe('true false true false');
    expect(answers('bpmp.clk.reply.parents not in {1}')).toBe('false false true true');
  });

  it('binds not closer than and, and and closer than or', () => {
    const holds = (text: string) => compileFilter(text)(denied);
    expect(holds('bpmp.mrq == 22 || bpmp.mrq == 1 && bpmp.mrq == 2')).toBe(true);
    expect(holds('(bpmp.mrq == 22 || bpmp.mrq == 1) && bpmp.mrq == 2')).toBe(false);
    expect(holds('!bpmp.mrq == 1 && bpmp.mrq == 22')).toBe(true);
    expect(holds('!bpmp.mrq == 22 || bpmp.mrq == 22')).toBe(true);
  });

  it('takes every expression that is held against Wireshark', () => {
    for (const text of expressions) expect(() => compileFilter(text), text).not.toThrow();
  });
});

describe('a mistake in a filter', () => {
  it.each([
    ['bpmp.clk.nmae == "GPUSYS"', 'bpmp.clk.nmae', 'did you mean bpmp.clk.name?'],
    ['bpmp.mrq == 1 && verdict == deny', 'verdict', 'did you mean bpmp.verdict?'],
    ['bpmp.tx.size == bpmp.rx.sise', 'bpmp.rx.sise', 'did you mean bpmp.rx.size?'],
    ['bpmp.verdict == "dney"', '"dney"', 'did you mean deny?'],
    ['bpmp.mrq.name == CKL', 'CKL', 'did you mean CLK?'],
    ['bpmp.mrq == "CKL"', '"CKL"', 'did you mean CLK?'],
    ['bpmp.latency == 5GHz', '5GHz', 'such as 5ns'],
    ['bpmp.latency contains 5', 'contains', 'there are ==, !=, >, >=, <, <=, in'],
    ['bpmp.tx > 01', '>', 'there are ==, !=, in, contains, matches'],
    ['bpmp.mrq == -1', '-1', 'never below 0'],
    ['bpmp.mrq == 99999999999', '99999999999', 'never beyond 4294967295'],
    ['bpmp.mrq == 022', '022', 'octal'],
    ['bpmp.mrq = 22', '=', 'write =='],
    ['bpmp.mrq == 22 & bpmp.ret', '&', 'write &&'],
    ['bpmp.tx[0:2] == 01', '[', 'slices'],
    ["bpmp.vm == 'orin", "'", 'double quotes'],
    ['bpmp.vm == "orin', '"orin', 'no closing quote'],
    ['bpmp.vm == "\\d"', '\\d', 'no escape'],
    ['(bpmp.mrq == 22', '(', 'never closed'],
    ['bpmp.mrq == 22)', ')', 'never opened'],
    ['bpmp.mrq ==', '', 'a value is missing'],
    ['bpmp.mrq == 22 bpmp.ret', 'bpmp.ret', 'is missing before it'],
    ['22 == bpmp.mrq', '22', 'there is no field'],
    ['"CLK" == bpmp.mrq', '"CLK"', 'begins with a field'],
    ['bpmp.mrq in 22', '22', 'a set stands in braces'],
    ['bpmp.mrq in {22', '{', 'never closed'],
    ['bpmp.mrq in {5..1}', '5', 'ends before it begins'],
    ['bpmp.tx in {01..02}', '01', 'no range'],
    ['bpmp.vm matches "("', '"("', 'no regular expression'],
    ['bpmp.vm matches orin', 'orin', 'in quotes'],
    ['bpmp.vm contains ""', '""', 'everything contains nothing'],
    ['bpmp.vm == bpmp.mrq', 'bpmp.mrq', 'cannot be compared'],
    ['bpmp.hidden == maybe', 'maybe', 'true or false'],
    ['any bpmp.mrq', '', 'need a comparison'],
    ['bpmp.time > soon', 'soon', 'a span of time'],
    ['bpmp.tx == 3', '3', 'bytes are written'],
  ])('%s is told with its place', (text, place, hint) => {
    const { message, shown } = shownBy(text);
    expect(message).toContain(hint);
    expect(message).not.toContain('\n');
    const [line, caret] = shown;
    expect(line).toBe(text);
    const at = place === '' ? text.length : text.lastIndexOf(place);
    expect(caret).toBe(`${' '.repeat(at)}^${'~'.repeat(Math.max(0, place.length - 1))}`);
  });

  it('is shown in a line that a terminal can bear', () => {
    const { shown } = shownBy(`${'bpmp.mrq == 22 && '.repeat(50)}bpmp.x\u001b[31m`);
    expect(shown[0]).not.toMatch(/\p{Cc}/u);
    expect(shown[0]!.length).toBeLessThan(160);
    expect(shown[0]![shown[1]!.indexOf('^')]).toBe('·');
  });

  it('is an expression without end', () => {
    expect(shownBy('('.repeat(MOST_DEPTH + 5)).message).toContain('nested');
    expect(shownBy('!'.repeat(MOST_DEPTH + 5)).message).toContain('nested');
    expect(shownBy('x'.repeat(MOST_CHARACTERS + 1)).message).toContain('at most');
    expect(compileFilter(Array(800).fill('bpmp.mrq == 1').join(' || '))(denied)).toBe(false);
  });

  it('is a search that takes for ever, when it does', () => {
    const filter = compileFilter('bpmp.rule matches "(a+)+$"');
    expect(filter(denied)).toBe(false);
    const start = performance.now();
    expect(() => filter({ ...denied, rule: `${'a'.repeat(50)}!` })).toThrow(/takes longer than/);
    expect(performance.now() - start).toBeLessThan(5000);
    const quadratic = compileFilter('bpmp.rule matches "a*b"');
    expect(() => quadratic({ ...denied, rule: 'a'.repeat(65_535) })).not.toThrow(/RangeError/);
  });
});
