import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SimulatedOptions } from '../../../src/bpmp/backend/index.js';
import { cacheFolder } from '../../../src/config/index.js';
import type { VmSource } from '../../../src/testing/index.js';

export interface GuestOptions {
  readonly cpus?: number;
  /** More of the kernel's command line. */
  readonly append?: string;
  /** The policy's file, `policy.yaml` beside this unless told. */
  readonly policy?: string;
  readonly layout?: 'auto' | 'shared' | 'trapped';
  readonly backend?: SimulatedOptions;
  /** Without a BPMP: QEMU's own tree, nobody behind it. */
  readonly bridge?: boolean;
  readonly initrd?: string;
  readonly record?: boolean;
}

export const KERNEL = join(cacheFolder(), 'guest-kernel/current/Image');
export const INITRD = join(cacheFolder(), 'guest-mainline/current/initrd');
const CONSUMERS = join(cacheFolder(), 'guest-mainline/current/consumers.dtbo');
const QEMU = join(cacheFolder(), 'qemu/bin/qemu-system-aarch64');
export const POLICY = fileURLToPath(new URL('policy.yaml', import.meta.url));

/** As many zones as the guest's device tree has, each with a temperature of its own; all can be read. */
export const READABLE_ZONES = Array.from({ length: 9 }, (_, id) => ({
  name: `zone${id}`,
  temperature: 30_000 + 137 * id,
}));

/** Whether scripts/setup has made what the mainline guest is made of; says aloud what is missing. */
export function guestIsPrepared(): boolean {
  const missing = [KERNEL, INITRD, CONSUMERS, QEMU].filter((path) => !existsSync(path));
  if (missing.length > 0) console.warn(`SKIPPED: run scripts/setup, which makes ${missing.join(', ')}`);
  return missing.length === 0;
}

/** What would stand in the VM file of a user's. */
export function vmFile(options: GuestOptions): VmSource {
  const { cpus = 1, append = '', policy = POLICY, layout = 'auto', backend = {}, bridge = true } = options;
  return {
    name: 'mainline',
    qemu: { binary: QEMU },
    machine: 'virt',
    cpu: 'cortex-a72',
    smp: cpus,
    memory: '256M',
    kernel: KERNEL,
    initrd: options.initrd ?? INITRD,
    append: `quiet loglevel=3 ${append}`.trim(),
    ...(bridge && {
      deviceTree: { overlays: [CONSUMERS] },
      bridge: { kind: 'ivc', layout },
      // A few clocks' debug files are as good as all.
      backend: { kind: 'simulated', debugClocks: 2, ...backend },
      policy,
    }),
  };
}
