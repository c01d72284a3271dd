import { describe, expect, it } from 'vitest';
import { type CompileOptions, parsePolicy } from '../../../src/bpmp/policy/index.js';
import { sharedRootClocks, tegra234 } from '../../../src/bpmp/tegra234/index.js';
import { classify, Mrq, mrqs, newShape } from '../../../src/bpmp/wire/index.js';
import { bytes, clk, i2c, words } from './bytes.js';
import { Random, randomRequest } from './request.js';

const [GET_RATE, SET_RATE, ROUND_RATE, SET_PARENT, ENABLE, DISABLE, GET_ALL_INFO] = [
  1, 2, 3, 5, 7, 8, 14,
] as const;

function compile(text: string, options?: CompileOptions) {
  return parsePolicy(`version: 1\n${text}`, { file: 'p.yaml' }).compile(options);
}

/** `verdict rule`, with `hidden` and `readOnly` where they are set. */
function decide(text: string, mrq: number, tx: Uint8Array, options?: CompileOptions): string {
  const shape = classify(mrq, tx, newShape());
  const { verdict, rule, hidden, readOnly } = compile(text, options).decide(shape, tx);
  return `${verdict}${hidden ? ' hidden' : ''}${readOnly ? ' read' : ''} ${rule.text}`;
}

const gpu =
  'clocks:\n  GPC0CLK: { right: tune, maxRate: 1.3 GHz }\n  GPUSYS: use\n  FUSE: shared\n  NVDEC: read\n  PLLP_OUT0: shared\n';

describe('a clock', () => {
  it.each([
    [clk(ENABLE, 304), 'allow p.yaml:4 clocks.GPUSYS'],
    [clk(GET_RATE, 304), 'allow read p.yaml:4 clocks.GPUSYS'],
    [clk(SET_RATE, 304, 0, 1, 0), 'deny p.yaml:4 clocks.GPUSYS'],
    [clk(ENABLE, 83), 'deny p.yaml:6 clocks.NVDEC'],
    [clk(SET_RATE, 41, 0, 1_300_000_000, 0), 'allow p.yaml:3 clocks.GPC0CLK'],
    [clk(SET_RATE, 41, 0, 1_300_000_001, 0), 'deny p.yaml:3 clocks.GPC0CLK'],
    [clk(SET_RATE, 41, 0, 1, 1), 'deny p.yaml:3 clocks.GPC0CLK'],
    [clk(SET_RATE, 41, 0, 1, 0x8000_0000), 'deny built-in: a rate is never negative'],
    [clk(ROUND_RATE, 41, 0, 0xffff_ffff, 0x7fff_ffff), 'allow read p.yaml:3 clocks.GPC0CLK'],
    [clk(ROUND_RATE, 41, 0, 0, 0x8000_0000), 'deny built-in: a rate is never negative'],
    [clk(SET_PARENT, 41, 102), 'allow p.yaml:3 clocks.GPC0CLK'],
    [clk(SET_PARENT, 41, 14), 'deny built-in: the new parent is not granted'],
    [clk(SET_PARENT, 41, 102 + 0x1_0000), 'deny built-in: the new parent is not granted'],
    [clk(SET_PARENT, 41, 0xffff_ffff), 'deny built-in: the new parent is not granted'],
    [clk(ENABLE, 40), 'allow p.yaml:5 clocks.FUSE'],
    [clk(DISABLE, 40), 'absorb p.yaml:5 clocks.FUSE'],
    [clk(SET_RATE, 40, 0, 1, 0), 'absorb p.yaml:5 clocks.FUSE'],
    [clk(DISABLE, 102), 'absorb built-in: shared roots'],
    [clk(ENABLE, 102), 'allow p.yaml:7 clocks.PLLP_OUT0'],
    [clk(DISABLE, 14), 'deny built-in: not granted'],
    [clk(GET_ALL_INFO, 14), 'deny hidden read built-in: the filtered view hides what is not granted'],
    [clk(GET_ALL_INFO, 13), 'deny hidden read built-in: the filtered view hides what is not granted'],
    [clk(ENABLE, 13), 'deny built-in: unknown clock'],
    [clk(ENABLE, 304 + 0x1000), 'deny built-in: unknown clock'],
    [clk(ENABLE + 0x10, 304), 'deny built-in: unknown command'],
    [clk(15, 0xff_ffff), 'allow read built-in: CLK GET_MAX_CLK_ID is harmless'],
    [bytes('2901'), 'malformed built-in: truncated request'],
    [clk(SET_RATE, 304), 'malformed built-in: truncated request'],
  ])('%#', (tx, expected) => {
    expect(decide(gpu, Mrq.CLK, tx)).toBe(expected);
  });

  it('of the full view may be read, whatever its id, and not changed', () => {
    const full = `${gpu}view: full\n`;
    expect(decide(full, Mrq.CLK, clk(GET_ALL_INFO, 14))).toBe('allow read p.yaml:8 view: full');
    expect(decide(full, Mrq.CLK, clk(GET_ALL_INFO, 0xff_ffff))).toBe('allow read p.yaml:8 view: full');
    expect(decide(full, Mrq.CLK, clk(ENABLE, 14))).toBe('deny built-in: not granted');
    expect(decide(full, Mrq.CLK, clk(ROUND_RATE, 14, 0, 0, 0x8000_0000))).toBe(
      'deny built-in: a rate is never negative',
    );
    expect(decide('view: full', Mrq.PG, words(3, 0xffff_ffff))).toBe('allow read p.yaml:2 view: full');
  });

  it('that the policy tunes is protected where it is a root, with a warning', () => {
    const text = `clocks: {${sharedRootClocks.map((id) => `${id}: tune`).join(', ')}}`;
    for (const id of sharedRootClocks) {
      expect(decide(text, Mrq.CLK, clk(DISABLE, id))).toBe('absorb built-in: shared roots');
      expect(decide(text, Mrq.CLK, clk(SET_RATE, id, 0, 1, 0))).toBe('absorb built-in: shared roots');
      expect(decide(`shared: deny\n${text}`, Mrq.CLK, clk(SET_PARENT, id, id))).toBe(
        'deny built-in: shared roots',
      );
    }
    const { warnings } = compile(text);
    expect(warnings).toHaveLength(7);
    expect(warnings[0]?.message).toBe(
      'CLK_M is a shared root: its rate and parent stay protected, whatever the right',
    );
  });

  it('above a granted one is seen and enabled, not changed', () => {
    const options = { sharedParents: { clocks: [102, 428, 477, 0xff_ffff] } };
    const parent = 'built-in: parent of a granted clock';
    expect(decide(gpu, Mrq.CLK, clk(ENABLE, 428), options)).toBe(`allow ${parent}`);
    expect(decide(gpu, Mrq.CLK, clk(GET_ALL_INFO, 428), options)).toBe(`allow read ${parent}`);
    expect(decide(gpu, Mrq.CLK, clk(DISABLE, 428), options)).toBe(`absorb ${parent}`);
    expect(decide(`shared: deny\n${gpu}`, Mrq.CLK, clk(DISABLE, 428), options)).toBe(`deny ${parent}`);
    expect(decide(gpu, Mrq.CLK, clk(SET_PARENT, 41, 428), options)).toBe('allow p.yaml:3 clocks.GPC0CLK');
    expect(decide(gpu, Mrq.CLK, clk(ENABLE, 477), options)).toBe('deny built-in: unknown clock');
    expect(decide(gpu, Mrq.CLK, clk(ENABLE, 0xff_ffff), options)).toBe('deny built-in: unknown clock');
    const compiled = compile(`${gpu}  NAFLL_GPUSYS: none`, options);
    expect(compiled.warnings[0]?.message).toMatch(/^NAFLL_GPUSYS is the parent of a granted clock/);
  });

  it('passes by command where a line lists commands', () => {
    const text =
      'clocks:\n  HOST1X: { right: use, commands: [ENABLE, GET_RATE] }\n  VIC: { commands: [SET_RATE] }';
    expect(decide(text, Mrq.CLK, clk(ENABLE, 46))).toMatch(/^allow/);
    expect(decide(text, Mrq.CLK, clk(DISABLE, 46))).toBe('deny p.yaml:3 clocks.HOST1X');
    expect(decide(text, Mrq.CLK, clk(GET_ALL_INFO, 46))).toBe('deny read p.yaml:3 clocks.HOST1X');
    expect(decide(text, Mrq.CLK, clk(SET_RATE, 167, 0, 1, 0))).toMatch(/^allow/);
    expect(decide(text, Mrq.CLK, clk(ENABLE, 167))).toMatch(/^deny/);
  });
});

describe('a reset', () => {
  it.each([
    ['resets: {GPU: use}', words(2, 19), 'allow p.yaml:2 resets.GPU'],
    ['resets: {GPU: use}', words(1, 19), 'allow p.yaml:2 resets.GPU'],
    ['resets: {GPU: use}', words(3, 19), 'allow p.yaml:2 resets.GPU'],
    ['resets: {GPU: use}', words(2, 20), 'deny built-in: not granted'],
    ['resets: {GPU: use}', words(2, 19 + 0x1_0000), 'deny built-in: unknown reset'],
    ['resets: {GPU: use}', words(0x102, 19), 'deny built-in: unknown command'],
    ['resets: {GPU: shared}', words(2, 19), 'allow p.yaml:2 resets.GPU'],
    ['resets: {GPU: shared}', words(1, 19), 'absorb p.yaml:2 resets.GPU'],
    ['resets: {GPU: shared}', words(3, 19), 'absorb p.yaml:2 resets.GPU'],
    ['resets: {GPU: {right: shared, onShared: deny}}', words(3, 19), 'deny p.yaml:2 resets.GPU'],
    ['resets: {GPU: {commands: [DEASSERT]}}', words(1, 19), 'deny p.yaml:2 resets.GPU'],
    ['view: full', words(4, 0), 'allow read built-in: RESET GET_MAX_ID is harmless'],
    ['view: full', words(2, 19), 'deny built-in: not granted'],
    ['view: full', words(2), 'malformed built-in: truncated request'],
  ])('%j %#', (text, tx, expected) => {
    expect(decide(text, Mrq.RESET, tx)).toBe(expected);
  });
});

describe('a power domain', () => {
  it.each([
    ['powerDomains: {GPU: use}', words(1, 35, 1), 'allow p.yaml:2 powerDomains.GPU'],
    ['powerDomains: {GPU: use}', words(1, 35, 0), 'allow p.yaml:2 powerDomains.GPU'],
    ['powerDomains: {GPU: use}', words(1, 35, 2), 'deny built-in: unknown power state'],
    ['powerDomains: {GPU: use}', words(1, 35, 0x100), 'deny built-in: unknown power state'],
    ['powerDomains: {GPU: use}', words(1, 35), 'malformed built-in: truncated request'],
    ['powerDomains: {GPU: use}', words(7, 35, 0), 'deny built-in: unknown command'],
    ['powerDomains: {GPU: use}', words(1, 35 + 0x100, 1), 'deny built-in: unknown power domain'],
    ['powerDomains: {GPU: shared}', words(1, 35, 0), 'absorb p.yaml:2 powerDomains.GPU'],
    ['powerDomains: {GPU: shared}', words(1, 35, 1), 'allow p.yaml:2 powerDomains.GPU'],
    ['powerDomains: {GPU: read}', words(2, 35), 'allow read p.yaml:2 powerDomains.GPU'],
    ['powerDomains: {GPU: read}', words(1, 35, 1), 'deny p.yaml:2 powerDomains.GPU'],
    ['mode: audit', words(2, 35), 'deny hidden read built-in: the filtered view hides what is not granted'],
    ['mode: audit', words(4, 0), 'allow read built-in: PG GET_MAX_ID is harmless'],
  ])('%j %#', (text, tx, expected) => {
    expect(decide(text, Mrq.PG, tx)).toBe(expected);
  });
});

describe('another MRQ', () => {
  it.each([
    ['mode: enforce', Mrq.PING, words(1), /^allow .*built-in: PING is harmless/],
    ['mrqs: {PING: none}', Mrq.PING, words(1), /^deny .*mrqs\.PING/],
    ['mrqs: {CLK: none}', Mrq.CLK, clk(15, 0), /^deny .*mrqs\.CLK/],
    ['mrqs: {RESET: none}', Mrq.RESET, words(4, 0), /^deny/],
    ['mrqs: {PG: [QUERY_ABI]}', Mrq.PG, words(4, 0), /^deny/],
    ['mrqs: {PG: [QUERY_ABI]}', Mrq.PG, words(0, 0, 0), /^allow/],
    ['mode: enforce', Mrq.DEBUG, bytes('0000000061 00'), /^deny .*not granted/],
    ['mrqs: {DEBUG: read}', Mrq.DEBUG, bytes('00000000 6100'), /^allow/],
    ['mrqs: {DEBUG: read}', Mrq.DEBUG, bytes('01000000 6100'), /^deny p.yaml:2 mrqs.DEBUG/],
    ['mrqs: {DEBUG: read}', Mrq.DEBUG, words(3, 1, 0), /^deny/],
    ['mrqs: {DEBUG: [OPEN_WO]}', Mrq.DEBUG, bytes('01000000 6100'), /^allow/],
    ['mrqs: {THERMAL: allow}', Mrq.THERMAL, words(100, 0), /^deny built-in: sent by the firmware/],
    ['mrqs: {THERMAL: read}', Mrq.THERMAL, words(2, 0, 0, 0, 0), /^deny/],
    ['mrqs: {THERMAL: [GET_TEMP]}', Mrq.THERMAL, words(1, 0), /^allow read/],
    [
      'mrqs: {QUERY_TAG: none}',
      Mrq.QUERY_TAG,
      words(0x8000_0000),
      /^deny built-in: the request holds a memory address/,
    ],
    ['mrqs: {75: read}', Mrq.DEBUG, words(4, 0), /^allow/],
    ['mode: enforce', 0x1_0000_0016, words(0), /^deny built-in: unknown MRQ/],
    ['mode: enforce', 96, words(0), /^deny built-in: unknown MRQ/],
  ])('%j %#', (text, mrq, tx, expected) => {
    expect(decide(text, mrq, tx)).toMatch(expected);
  });

  it('that passes addresses is never forwarded in any mode', () => {
    for (const { number } of [...mrqs.values()].filter(({ passesAddresses }) => passesAddresses)) {
      expect(decide('mode: audit', number, new Uint8Array(64))).toMatch(/^deny built-in/);
    }
  });
});

describe('an I2C transfer', () => {
  const text = 'i2c: {5: [0x3c, 0x50]}';
  it.each([
    [i2c(5, [0x3c, 0], [0x3c, 1]), 'allow p.yaml:2 i2c.5'],
    [i2c(5, [0x3c, 0], [0x50, 1]), 'allow p.yaml:2 i2c.5'],
    [i2c(5, [0x3c, 0], [0x51, 1]), 'deny built-in: I2C address not granted'],
    [i2c(5, [0x3c, 0x11]), 'deny built-in: I2C address not granted'],
    [i2c(5, [0x13c, 1]), 'deny built-in: I2C address not granted'],
    [i2c(4, [0x3c, 1]), 'deny built-in: I2C address not granted'],
    [i2c(0x1_0005, [0x3c, 1]), 'deny built-in: I2C address not granted'],
    [i2c(5), 'deny built-in: I2C address not granted'],
    [words(1, 5, 4, 0x0001_003c), 'malformed built-in: I2C segments that do not fit the transfer'],
    [words(1, 5, 8, 0x0000_003c, 100), 'malformed built-in: I2C segments that do not fit the transfer'],
    [words(1, 5, 64, 0x0000_003c), 'malformed built-in: truncated request'],
  ])('%#', (tx, expected) => {
    expect(decide(text, Mrq.I2C, tx)).toBe(expected);
  });
});

describe('a compiled policy', () => {
  it('says what the guest may see', () => {
    const compiled = compile(
      `${gpu}powerDomains: {GPU: use}\nresets: {NVDEC: none}\nmrqs: {THERMAL: read, PING: none}\n`,
      {
        sharedParents: { clocks: [428] },
      },
    );
    expect(compiled.grantedClocks).toEqual([40, 41, 83, 102, 304]);
    expect([compiled.grantedResets, compiled.grantedPowerDomains]).toEqual([[], [35]]);
    expect([41, 102, 428].every((id) => compiled.isClockVisible(id))).toBe(true);
    expect([0, 14, 13, 5000, -1, 2 ** 32].some((id) => compiled.isClockVisible(id))).toBe(false);
    expect([compiled.maxVisibleClock, compiled.maxVisibleReset, compiled.maxVisiblePowerDomain]).toEqual([
      428, -1, 35,
    ]);
    const visible = [...mrqs.values()]
      .filter(({ number }) => compiled.isMrqVisible(number))
      .map(({ name }) => name);
    expect(visible.sort()).toEqual(
      ['CLK', 'PG', 'QUERY_ABI', 'QUERY_FW_TAG', 'RESET', 'THERMAL', 'THREADED_PING'].sort(),
    );
    expect([96, -1, 2 ** 32 - 1].some((mrq) => compiled.isMrqVisible(mrq))).toBe(false);
    expect(['clock', 'reset', 'powerDomain'].map((kind) => compiled.isShared(kind as 'clock', 40))).toEqual([
      true,
      false,
      false,
    ]);
    expect([14, 102, 428].every((id) => compiled.isShared('clock', id))).toBe(true);
  });

  it('shows all in the full view', () => {
    const compiled = compile('view: full');
    expect(compiled.maxVisibleClock).toBe(tegra234.clocks.maxId);
    expect(compiled.isClockVisible(13)).toBe(true);
    expect(compiled.isMrqVisible(Mrq.I2C)).toBe(false);
    expect(compile('i2c: {5: [1]}').isMrqVisible(Mrq.I2C)).toBe(true);
    expect(compile('i2c: {5: none}').isMrqVisible(Mrq.I2C)).toBe(false);
  });

  it('makes each decision once, and frozen', () => {
    const compiled = compile(gpu);
    const shape = newShape();
    const seen = new Set<unknown>();
    const random = new Random(7);
    for (let i = 0; i < 100_000; i++) {
      const { mrq, tx } = randomRequest(random, compiled.grantedClocks);
      seen.add(compiled.decide(classify(mrq, tx, shape), tx));
    }
    expect(seen.size).toBeLessThan(60);
    expect([...seen].every((decision) => Object.isFrozen(decision))).toBe(true);
  });

  it('lets nothing pass whose ids or commands alias a granted one', () => {
    const compiled = compile(
      'clocks: {0-476: tune}\nresets: {0-165: use}\npowerDomains: {0-35: use}\nmrqs: {DEBUG: read}',
    );
    const shape = newShape();
    const passes = (mrq: number, tx: Uint8Array) => compiled.decide(classify(mrq, tx, shape), tx).ret === 0;
    for (let id = 0; id < 0x200; id++) {
      for (const bit of [12, 16, 20, 23]) expect(passes(Mrq.CLK, clk(ENABLE, id + 2 ** bit))).toBe(false);
      for (const bit of [9, 12, 16, 24, 31]) {
        expect(passes(Mrq.RESET, words(2, id + 2 ** bit))).toBe(false);
        expect(passes(Mrq.PG, words(1, id + 2 ** bit, 1))).toBe(false);
      }
    }
    const known = new Set([1, 2, 3, 4, 5, 6, 7, 8, 14, 15, 16]);
    for (let command = 0; command < 256; command++) {
      if (!known.has(command)) expect(passes(Mrq.CLK, clk(command, 304, 0, 0, 0))).toBe(false);
    }
    for (let bit = 3; bit < 32; bit++) {
      for (let command = 0; command < 8; command++) {
        for (const mrq of [Mrq.RESET, Mrq.PG, Mrq.DEBUG]) {
          expect(passes(mrq, words(command + 2 ** bit, 1, 1, 0))).toBe(false);
        }
      }
    }
    for (let mrq = 96; mrq < 2 ** 32; mrq = mrq * 2 + 22) expect(passes(mrq, words(1, 1, 1, 1))).toBe(false);
  });

  it('withstands shapes that no request has', () => {
    const compiled = compile(gpu);
    for (const mrq of [Mrq.CLK, Mrq.RESET, Mrq.PG, Mrq.I2C, Mrq.DEBUG, 2 ** 32]) {
      for (const command of [-1, 0.5, 2, 5, 7, 31, 32, 2 ** 32]) {
        for (const id of [-1, 2 ** 32, 304]) {
          const decision = compiled.decide({ status: 0, mrq, command, id }, new Uint8Array(0));
          expect(decision?.verdict).toMatch(/deny|malformed|allow/);
        }
      }
    }
  });
});
