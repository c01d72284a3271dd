import { describe, expect, it } from 'vitest';
import { nearest } from '../src/nearest.js';

describe('nearest', () => {
  const clocks = ['ACTMON', 'GPUSYS', 'GPC0CLK', 'GPC1CLK', 'PLLP_OUT0', 'SDMMC4'];

  it.each([
    ['GPUSY', 'GPUSYS'],
    ['gpusys', 'GPUSYS'],
    ['GPC2CLK', 'GPC0CLK'],
    ['GCP1CLK', 'GPC1CLK'],
    ['pllp-out0', 'PLLP_OUT0'],
    ['sdmcm4', 'SDMMC4'],
  ])('takes %s for %s', (word, meant) => {
    expect(nearest(word, clocks)).toBe(meant);
  });

  it('offers nothing that is far off', () => {
    expect(nearest('EMC', clocks)).toBeUndefined();
    expect(nearest('', clocks)).toBeUndefined();
    expect(nearest('X', [])).toBeUndefined();
  });

  it('stays quick on absurd input', () => {
    expect(nearest('A'.repeat(1_000_000), clocks)).toBeUndefined();
  });
});
