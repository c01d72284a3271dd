import type { Command } from '../command.js';

export const planCommands: readonly Command[] = [
  {
    path: 'plan',
    summary: 'say what running a VM would change, start and place, without doing it',
    description: [
      "Every write to the host with its undo, QEMU's arguments, the guest's memory map, the addresses and interrupts that",
      'each device of the host will have there, and what the policy grants. It needs neither the hardware nor QEMU: sizes',
      "and interrupts come from the VM file (regions, interrupts) or from the host's device tree. What is wrong comes on",
      'stderr, and the exit status tells of it: 78 for the VM file, 69 for the host and for what is not known.',
    ].join(' '),
    args: [['<file>', 'the VM file']],
    options: [
      ['--argv', "print QEMU's arguments alone, to be pasted into a shell (with --json, as a list)"],
      ['--svg [file]', "draw the guest's memory map, to the file or to stdout"],
      ['--sysroot <folder>', 'where /sys, /proc and /dev of the host are (default: /)'],
      ['--host-tree <dtb>', "the host's device tree (default: the one that the sysroot has)"],
    ],
    examples: [
      'gpuvm plan examples/orin-gpu-vm.yaml',
      'gpuvm plan examples/orin-gpu-vm.yaml --argv',
      'gpuvm plan vm.yaml --host-tree orin.dtb --svg map.svg',
    ],
    load: () => import('../plan/command.js'),
  },
];
