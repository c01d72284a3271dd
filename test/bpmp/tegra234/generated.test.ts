import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { generate } from '../../../scripts/generate-tegra234-names.js';
import { kernelInclude, noHeaders } from '../kernel-include.js';

const include = kernelInclude();

describe('the generated tables', () => {
  it.skipIf(include === undefined)(`are what the generator makes${include ? '' : ` (${noHeaders})`}`, () => {
    for (const [file, text] of generate(include!)) {
      const committed = new URL(`../../../src/bpmp/tegra234/generated/${file}`, import.meta.url);
      expect(readFileSync(committed, 'utf8'), file).toBe(text);
    }
  });
});
