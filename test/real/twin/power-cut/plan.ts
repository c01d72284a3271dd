import type { PlannedCommand } from './machine.js';
import type { Kept } from './volatile-disk.js';

export const E1000E = '0000:00:11.0';
/** How the names of its steps begin, as records have them. */
export const STEP = `"pci/${E1000E}`;

const FIRST: PlannedCommand = { name: 'recover', args: ['recover'] };
/** As gpuvm-recover.service has it, and once more. */
export const RECOVER: readonly PlannedCommand[] = [FIRST, { name: 'again', args: ['recover'] }];
const BIND: PlannedCommand = { name: 'bind', args: ['devices', 'bind', E1000E], moments: true };
const UNBIND: PlannedCommand = { name: 'unbind', args: ['devices', 'unbind'], moments: true };
const RUN: PlannedCommand = { name: 'run', args: ['run', '/run/kite.yaml'], moments: true, isRun: true };

/** One boot that ends with a cut of the power. */
export interface Cut {
  readonly name: string;
  /** Commands that come to their end, and the one that does not. */
  readonly before: readonly PlannedCommand[];
  readonly command: PlannedCommand;
  readonly moment: string;
  readonly kept: Kept;
  /** Whose journal is left. */
  readonly journal: string;
  /** What the next boot's `gpuvm recover` says; absent where that is cut, too. */
  readonly says?: readonly string[];
}

const REBOOTED = '(the machine was booted since: what was in sysfs is gone with that)';
const TAKEN = `  gone with the boot: take ${E1000E} off e1000e`;
const MEANT = `  gone with the boot: mean ${E1000E} for vfio-pci alone`;
const BOUND = `  gone with the boot: bind ${E1000E} to vfio-pci`;

export const cuts: readonly Cut[] = [
  {
    name: 'when the driver was taken away',
    before: [BIND, UNBIND],
    command: { ...BIND, name: 'bind-again' },
    moment: `done ${STEP}/unbind" is written`,
    kept: 'nothing',
    journal: 'devices',
    says: [`devices: put right ${REBOOTED}`, TAKEN],
  },
  {
    name: 'when the device came to VFIO, with any of the unflushed sectors on the disk',
    before: RECOVER,
    command: BIND,
    moment: `done ${STEP}/bind" is written`,
    kept: 1,
    journal: 'devices',
    says: [`devices: put right ${REBOOTED}`, BOUND, MEANT, TAKEN],
  },
  {
    name: 'when the device was off VFIO and not yet given back',
    before: [...RECOVER, { ...BIND, moments: false }],
    command: UNBIND,
    moment: `undone ${STEP}/bind" is written`,
    kept: 'everything',
    journal: 'devices',
  },
  {
    name: 'amid the recovery from that',
    before: [],
    command: { ...FIRST, moments: true },
    moment: `undone ${STEP}/override" is written`,
    kept: 2,
    journal: 'devices',
    says: [`devices: put right ${REBOOTED}`, TAKEN],
  },
  {
    name: 'while a VM runs, whose guest holds something of the BPMP',
    before: RECOVER,
    command: RUN,
    moment: 'the VM runs',
    kept: 'everything',
    journal: 'kite',
    says: [
      `kite: put right ${REBOOTED}`,
      BOUND,
      'kite: what its guest held of the BPMP: gone with the boot, which reset the BPMP',
    ],
  },
];
