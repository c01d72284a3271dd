import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasProgram } from '../programs.js';
import { OrinTwin } from './orin.js';
import { itBindsDevices } from './orin-judged/binding.js';
import type { Cases } from './orin-judged/cases.js';
import { itExaminesTheHost } from './orin-judged/doctor.js';
import { itBearsDriversThatHang } from './orin-judged/hangs.js';
import { itUsesPciFunctions } from './orin-judged/pci.js';
import { itMindsResets } from './orin-judged/resets.js';
import { itKeepsDevicesToTheirUsers } from './orin-judged/users.js';
import { itUsesPlatformDevices } from './orin-judged/vfio.js';

/**
 * The Orin twin's devices, bound, used and given back, against its kernel: vfio-platform behind an SMMUv3, with reset
 * drivers and without, and what has no way to VFIO. One boot makes all cases and reports what there was to see; here it is
 * judged.
 */
const DEADLINE_MS = 600_000;
const inside = (name: string) => fileURLToPath(new URL(`inside/${name}`, import.meta.url));
const isAble = process.arch === 'arm64' || hasProgram('aarch64-linux-gnu-g++');
if (!isAble)
  console.warn('SKIPPED: a compiler for arm64 is missing (aarch64-linux-gnu-g++): run scripts/setup');

interface Report<T> {
  readonly saw?: T;
  readonly error?: string;
  readonly left: readonly string[];
}

describe.skipIf(!isAble)('devices of the Orin twin', () => {
  let twin: OrinTwin;

  beforeAll(async () => {
    const script = inside('orin-devices.ts');
    twin = await OrinTwin.run({ script, programs: [inside('vfio-probe.c')], deadlineMs: DEADLINE_MS });
  }, DEADLINE_MS + 300_000);

  function saw<Name extends keyof Cases>(name: Name): Cases[Name] {
    const result = twin.reported(name) as Report<Cases[Name]>;
    if (result.saw === undefined) throw new Error(`${name}, in the twin: ${result.error}`);
    return result.saw;
  }

  itBindsDevices(saw);
  itMindsResets(saw);
  itBearsDriversThatHang(saw);
  itUsesPlatformDevices(saw);
  itKeepsDevicesToTheirUsers(saw);
  itUsesPciFunctions(saw);
  itExaminesTheHost(saw);

  it.each([
    'unprobed',
    'ten',
    'refused',
    'withoutReset',
    'withReset',
    'doctor',
    'killedInHang',
    'held',
    'nobody',
    'pci',
    'sharedGroup',
    'gpuDma',
    'gpuInterrupt',
    'carveOuts',
    'carveOutsForDma',
    'hole',
    'deadline',
  ])('leave the host as it was: %s', (name) => {
    expect((twin.reported(name) as Report<unknown>).left, 'before → after').toEqual([]);
  });

  it("leave nothing in the kernel's messages that was not asked for", () => {
    twin.reported('all');
    expect(twin.status, twin.stderr).toBe(0);
    expect(twin.console).not.toMatch(/BUG:|WARNING:|Oops|Unable to handle|use-after-free/);
  });
});
