import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_WINDOW_ADDRESS } from '../../../src/bpmp/bridge/vfio-user/index.js';
import { type ProbeGuest, ProbeScript, probeQemu } from '../../support/window-probe.js';

const PING = 0;
const I2C = 21;
const CLK = 22;

export const askingPolicy = `version: 1
limit: none
clocks: { GPUSYS: use }
i2c: { 5: [0x3c] }
`;

/** What the guest says of itself, every so many requests. */
export interface Asked {
  readonly asked: number;
  readonly others: number;
  readonly refused: number;
  readonly wrong: number;
}

/**
 * A VM whose guest switches a clock on and then asks over the window without an end, checking each answer: as a VM file, without
 * its name.
 */
export function askingVm(guest: ProbeGuest, folder: string, layout: 'trapped' | 'shared'): string {
  const script = new ProbeScript(DEFAULT_WINDOW_ADDRESS)
    .transfer({ mrq: CLK, tx: Buffer.from('30010007', 'hex') })
    .ask(
      { mrq: PING, tx: Buffer.alloc(4) },
      { mrq: I2C, tx: Buffer.from('0100000005000000080000003c000000020007aa', 'hex') },
    );
  const { kernel, args } = guest.install(script, folder);
  const policy = join(folder, 'asking-policy.yaml');
  writeFileSync(policy, askingPolicy);
  return `qemu: { binary: ${probeQemu} }
machine: virt
cpu: cortex-a72
memory: 256M
kernel: ${kernel}
extraArguments: ${JSON.stringify(args)}
bridge: { kind: vfio-user, layout: ${layout} }
backend: { kind: simulated }
policy: ${policy}
stop: { powerdown: 0s }
`;
}

/** The lines of it that are in a journal, in order. */
export function askedIn(journal: string): Asked[] {
  const lines = journal.matchAll(/^asked (\w+) others (\w+) refused (\w+) wrong (\w+)\r?$/gm);
  return [...lines].map(([, ...counts]) => {
    const [asked, others, refused, wrong] = counts.map((digits) => Number.parseInt(digits, 16));
    return { asked: asked!, others: others!, refused: refused!, wrong: wrong! };
  });
}
