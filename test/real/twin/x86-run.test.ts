import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasProgram } from '../programs.js';
import { innerGuest } from './inner-guest.js';
import type { Report } from './inside/report.js';
import type { Whole } from './inside/run-case-whole.js';
import { X86Twin } from './x86.js';

/**
 * `gpuvm run` against a real kernel, with a stock QEMU and a Linux of its own as the guest, under KVM inside the twin. One
 * boot for all; what there was to see is judged here.
 */
const DEADLINE_MS = 600_000;

const inside = (name: string) => fileURLToPath(new URL(`inside/${name}`, import.meta.url));
const isAble = process.arch === 'x64' && hasProgram('qemu-system-x86_64');
if (process.arch !== 'x64') console.warn('SKIPPED: the x86 twin runs the own programs of an x86-64 machine');

describe.skipIf(!isAble)('gpuvm run on a real kernel (x86 twin)', () => {
  let twin: X86Twin;

  beforeAll(async () => {
    const { folder, kernel, initrd } = await innerGuest(inside('run-guest.c'));
    try {
      twin = await X86Twin.run({
        script: inside('run.ts'),
        files: [kernel, initrd],
        deadlineMs: DEADLINE_MS,
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
    if (process.env.TWIN_VERBOSE) console.log(twin.stderr, twin.tookMs);
  }, DEADLINE_MS + 60_000);

  /** What a case saw; fails where it could not see it. */
  function saw<T>(name: string): T {
    const report = twin.reported(name) as Report<T>;
    if ('error' in report) throw new Error(`in the twin: ${report.error}`);
    return report.saw;
  }

  describe('a VM with edu', () => {
    it('ends with 0 when its guest powers off', () => {
      const { ended } = saw<Whole>('whole');
      expect(ended.status, ended.stdout + ended.stderr).toBe(0);
    });
  });
});
