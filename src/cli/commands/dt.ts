import type { Command } from '../command.js';

/** Each command's own words, in the order of the help. */
export const dtCommands: readonly Command[] = [
  {
    path: 'dt guest',
    summary: "make the device tree of a VM's guest, with the host's devices where QEMU will have them",
    description: [
      "QEMU's own tree for the VM's CPUs and memory, as the VM file's QEMU gives it; the guest's /bpmp; and each of the VM's",
      "platform devices as the host's tree and its profile have it, at the addresses and interrupts that QEMU gives it.",
      'A run makes the same tree by itself where the VM file has no dtb. With -v it tells what became of each property, and why.',
    ].join(' '),
    args: [['<file>', 'the VM file']],
    options: [
      ['--host-tree <dtb>', "the host's device tree (default: deviceTree.hostTree, or that of this host)"],
      ['--qemu-tree <dtb>', "QEMU's own tree for this machine (default: QEMU is asked)"],
      [
        '-o, --output <file>',
        'where the tree is put (default: stdout); as source where the name ends in .dts',
      ],
      ['--dts', 'as source, for dtc'],
      ['--sysroot <folder>', 'where /sys and /proc of the host are (default: /)'],
    ],
    examples: [
      'gpuvm dt guest examples/orin-gpu-vm.yaml --host-tree orin.dtb -o guest.dtb',
      'gpuvm dt guest vm.yaml --dts | less',
    ],
    load: () => import('../dt/guest.js'),
  },
];
