import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generate } from '../../../scripts/generate-tegra234-names.js';

/** The include directory of the kernel headers: from the environment, or where Debian's package has it. */
function kernelInclude(): string | undefined {
  const named = process.env.GPUVM_KERNEL_INCLUDE;
  if (named !== undefined) return named;
  const source = '/usr/src';
  const packages = existsSync(source) ? readdirSync(source) : [];
  const headers = packages.find((name) => /^linux-headers-7\.2.*-common$/.test(name));
  return headers === undefined ? undefined : join(source, headers, 'include');
}

const include = kernelInclude();

describe('the generated tables', () => {
  it.skipIf(include === undefined)(
    `are what the generator makes${include ? '' : ' (SKIPPED: no linux-headers-7.2*-common package here)'}`,
    () => {
      for (const [file, text] of generate(include!)) {
        const committed = new URL(`../../../src/bpmp/tegra234/generated/${file}`, import.meta.url);
        expect(readFileSync(committed, 'utf8'), file).toBe(text);
      }
    },
  );
});
