import type { Command } from '../command.js';

const sysroot = ['--sysroot <folder>', 'where /sys, /proc and /dev are (default: /)'] as const;
const stateDir = [
  '--state-dir <folder>',
  'where journals and locks are (default: GPUVM_STATE_DIR, or /var/lib/gpuvm and /run/gpuvm)',
] as const;

export const deviceCommands: readonly Command[] = [
  {
    path: 'devices list',
    summary: 'list the devices that a VM could have, with their drivers, groups and users',
    options: [['--all', 'also those that no IOMMU holds in'], sysroot, stateDir],
    examples: ['gpuvm devices list', 'gpuvm devices list --all --json'],
    load: () => import('../devices/list.js'),
  },
  {
    path: 'devices groups',
    summary: 'list the IOMMU groups, and which could be given to a VM as they are',
    options: [sysroot],
    examples: ['gpuvm devices groups'],
    load: () => import('../devices/groups.js'),
  },
  {
    path: 'devices regions',
    summary: 'show the registers and memory that a device has for a VM, its interrupts, and what is in them',
    description:
      'Opens the device as a VM would: it must be with VFIO (`gpuvm devices bind`), and nobody may be using it. Reading a register can change what the device does.',
    args: [['<name>', 'the device, as sysfs calls it']],
    options: [
      ['--dump <numbers...>', 'offset and length in bytes: print what is there, as words of 32 bits'],
      ['--region <name>', 'the region to dump, by name or number (default: the first)'],
      sysroot,
    ],
    examples: [
      'gpuvm devices regions 17000000.gpu',
      'gpuvm devices regions 0000:01:00.0 --region config --dump 0 0x40',
    ],
    load: () => import('../devices/regions.js'),
  },
  {
    path: 'devices bind',
    summary: 'give devices to VFIO, all or none, until `gpuvm devices unbind`',
    args: [['<names...>', 'the devices, as sysfs calls them']],
    options: [sysroot, stateDir],
    examples: [
      'gpuvm devices bind 17000000.gpu 15340000.vic',
      'gpuvm devices bind 0000:01:00.0 0000:01:00.1',
    ],
    load: () => import('../devices/bind.js'),
  },
  {
    path: 'devices unbind',
    summary: 'give devices back that `gpuvm devices bind` took',
    args: [['[names...]', 'the devices; all of them where none is named']],
    options: [sysroot, stateDir],
    examples: ['gpuvm devices unbind', 'gpuvm devices unbind 17000000.gpu'],
    load: () => import('../devices/unbind.js'),
  },
];
