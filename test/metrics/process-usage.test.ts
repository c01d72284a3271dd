import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { processUsage } from '../../src/metrics/index.js';

const root = mkdtempSync(join(tmpdir(), 'gpuvm-usage-'));
afterEach(() => rmSync(root, { recursive: true, force: true }));

function tree(stat: string, status = 'VmRSS:\t    2048 kB\n'): void {
  mkdirSync(join(root, 'proc/7'), { recursive: true });
  writeFileSync(join(root, 'proc/7/stat'), stat);
  writeFileSync(join(root, 'proc/7/status'), status);
}

describe("a process's usage", () => {
  it('is read behind a name that has blanks and parentheses', async () => {
    tree('7 (qemu ) R (x) S 1 7 7 0 -1 4194560 100 0 0 0 250 150 0 0 20 0 9 0 5 0 0\n');
    expect(await processUsage(7, root)).toEqual({ cpuSeconds: 4, residentBytes: 2 * 1024 ** 2 });
  });

  it('is not known of one that is gone, or a zombie, which has no memory', async () => {
    expect(await processUsage(7, root)).toBeUndefined();
    tree('7 (qemu) Z 1 7 7 0 -1 4194560 100 0 0 0 250 150 0 0 20 0 9 0 5 0 0\n', 'State:\tZ (zombie)\n');
    expect(await processUsage(7, root)).toBeUndefined();
  });

  it('is plausible of this one', async () => {
    const usage = await processUsage(process.pid);
    expect(usage?.cpuSeconds).toBeGreaterThan(0);
    expect(usage?.residentBytes).toBeGreaterThan(10 * 1024 ** 2);
  });
});
