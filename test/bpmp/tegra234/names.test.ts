import { describe, expect, it } from 'vitest';
import { sharedRootClocks, tegra234 } from '../../../src/bpmp/tegra234/index.js';

describe('tegra234', () => {
  const { clocks, resets, powerDomains, streamIds } = tegra234;

  it('has every id and name of the bindings', () => {
    expect([clocks.ids.length, clocks.names.length, clocks.maxId]).toEqual([435, 441, 476]);
    expect([resets.ids.length, resets.names.length]).toEqual([166, 166]);
    expect([powerDomains.ids.length, powerDomains.names.length, powerDomains.maxId]).toEqual([31, 31, 36]);
    expect(streamIds.names.length).toBe(157);
  });

  it.each([
    ['GPUSYS', 304],
    ['GPC0CLK', 41],
    ['GPC1CLK', 236],
    ['HOST1X', 46],
    ['ACTMON', 1],
    ['VIC', 167],
    ['NVDEC', 83],
    ['FUSE', 40],
    ['TSEC_PKA', 154],
    ['NVJPG1', 20],
    ['PLLP_OUT0', 102],
    ['OSC', 91],
    ['CLK_M', 14],
  ])('knows clock %s as %d, both ways', (name, id) => {
    expect(clocks.idOf(name)).toBe(id);
    expect(clocks.nameOf(id)).toBe(name);
  });

  it('knows the reference VM’s resets and domains', () => {
    expect([resets.idOf('GPU'), resets.idOf('VIC'), resets.idOf('NVDEC'), resets.idOf('NVJPG1')]).toEqual([
      19, 113, 44, 10,
    ]);
    expect(['GPU', 'VIC', 'NVDEC', 'NVJPGB'].map((name) => powerDomains.idOf(name))).toEqual([
      35, 29, 23, 36,
    ]);
  });

  it('takes any case, dashes, aliases and whole names', () => {
    expect(clocks.idOf('gpusys')).toBe(304);
    expect(clocks.idOf('pllp-out0')).toBe(102);
    expect(clocks.idOf('TEGRA234_CLK_GPUSYS')).toBe(304);
    expect(clocks.idOf('nafll_dsu0')).toBe(clocks.idOf('NAFLL_CLUSTER0_DSU'));
    expect(clocks.nameOf(429)).toBe('NAFLL_CLUSTER0_DSU');
    expect(streamIds.idOf('passthrough')).toBe(0x7f);
  });

  it('knows nothing else', () => {
    expect(clocks.idOf('constructor')).toBeUndefined();
    expect(clocks.idOf('')).toBeUndefined();
    expect(clocks.nameOf(0)).toBeUndefined();
    expect(clocks.nameOf(304 + 0x1000)).toBeUndefined();
  });

  it('names the shared roots', () => {
    expect(sharedRootClocks).toEqual([14, 91, 102, 103, 288, 292, 327]);
  });
});
