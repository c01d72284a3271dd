import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadPolicy, parsePolicy } from '../../../src/bpmp/policy/index.js';
import { Mrq } from '../../../src/bpmp/wire/index.js';
import { bytes, clk, words } from './bytes.js';

const folder = new URL('../../../examples/policies/', import.meta.url);
const gpu = readFileSync(new URL('gpu.yaml', folder), 'utf8');

function verdict(text: string, mrq: number, tx: Uint8Array) {
  return parsePolicy(text).compile().explain(mrq, tx);
}

describe('the example policies', () => {
  it.each(readdirSync(folder))('%s is valid and gives no warnings', async (file) => {
    const policy = await loadPolicy(new URL(file, folder).pathname);
    expect(policy.compile().warnings).toEqual([]);
  });
});

describe('gpu.yaml', () => {
  it.each([
    ['ping', Mrq.PING, words(1), 'allow'],
    ['the firmware tag', Mrq.QUERY_FW_TAG, words(), 'allow'],
    ['GPC0CLK on', Mrq.CLK, clk(7, 41), 'allow'],
    ['GPC1CLK on', Mrq.CLK, clk(7, 236), 'allow'],
    ['a rate for GPC0CLK', Mrq.CLK, clk(2, 41, 0, 1_000_000_000, 0), 'allow'],
    ['the GPU domain on', Mrq.PG, words(1, 35, 1), 'allow'],
    ['the GPU out of reset', Mrq.RESET, words(2, 19), 'allow'],
    ['PLLP_OUT0 off', Mrq.CLK, clk(8, 102), 'absorb'],
    ['FUSE off', Mrq.CLK, clk(8, 40), 'absorb'],
    ['the eMMC clock off', Mrq.CLK, clk(8, 123), 'deny'],
    ['a debug file for writing', Mrq.DEBUG, bytes('01000000 2f636c6b00'), 'deny'],
    ['clock 304 + 0x1000', Mrq.CLK, clk(7, 304 + 0x1000), 'deny'],
    ['an unknown MRQ', 200, words(0), 'deny'],
    ['a truncated CLK', Mrq.CLK, bytes('290000'), 'malformed'],
  ])('decides on %s', (_, mrq, tx, expected) => {
    expect(verdict(gpu, mrq, tx).decision.verdict).toBe(expected);
  });

  const lines: [line: string, mrq: number, tx: Uint8Array][] = [
    ...['GPUSYS', 'GPC0CLK', 'GPC1CLK', 'HOST1X', 'ACTMON', 'VIC', 'NVDEC', 'TSEC_PKA', 'FUSE', 'NVJPG1'].map(
      (name): [string, number, Uint8Array] => [
        name,
        Mrq.CLK,
        clk(7, parsePolicy(gpu).chip.clocks.idOf(name)!),
      ],
    ),
    ...['OSC', 'CLK_M', 'PLLP_OUT0'].map((name): [string, number, Uint8Array] => [
      name,
      Mrq.CLK,
      clk(8, parsePolicy(gpu).chip.clocks.idOf(name)!),
    ]),
    ...['GPU', 'VIC', 'NVDEC', 'NVJPG1'].map((name): [string, number, Uint8Array] => [
      `${name}: use #`,
      Mrq.RESET,
      words(2, parsePolicy(gpu).chip.resets.idOf(name)!),
    ]),
    ...['GPU', 'VIC', 'NVDEC', 'NVJPGB'].map((name): [string, number, Uint8Array] => [
      `${name}: use #`,
      Mrq.PG,
      words(1, parsePolicy(gpu).chip.powerDomains.idOf(name)!, 1),
    ]),
  ];

  it.each(lines)('without its line %j denies the request and names the line to add', (line, mrq, tx) => {
    const section = { [Mrq.CLK]: 'clocks', [Mrq.RESET]: 'resets', [Mrq.PG]: 'powerDomains' }[mrq]!;
    const start = gpu.indexOf(`\n${section}:`);
    const at = gpu.indexOf(`  ${line}`, start);
    const without = gpu.slice(0, at) + gpu.slice(gpu.indexOf('\n', at) + 1);
    expect(verdict(gpu, mrq, tx).decision.ret).toBe(0);
    const { decision, fix } = verdict(without, mrq, tx);
    expect(decision.verdict).toBe('deny');
    expect(fix).toMatch(new RegExp(`^${section}: \\{${line.replace(/:.*/, '')}: (use|shared)\\}$`));
  });
});
