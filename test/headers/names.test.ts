import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { generate } from '../../scripts/generate-tegra234-names.js';
import { kernelInclude } from './kernel-include.js';

describe('the generated tables', () => {
  it('are what the generator makes', () => {
    for (const [file, text] of generate(kernelInclude)) {
      const committed = new URL(`../../src/bpmp/tegra234/generated/${file}`, import.meta.url);
      expect(readFileSync(committed, 'utf8'), file).toBe(text);
    }
  });
});
