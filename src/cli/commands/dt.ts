import type { Command } from '../command.js';

const hostArgument = ['<host>', "the host's device tree: a .dtb file, or /proc/device-tree"] as const;
const selection = [
  [
    '--device <name...>',
    "the devices, each by its path, label, unit name (gpu@17000000) or sysfs's name (17000000.gpu)",
  ],
  ['--vm <file>', 'the devices of this VM file (platformDevices), with its profiles'],
  ['--profiles <file...>', 'files of profiles for what gpuvm does not know'],
] as const;

/** Each command's own words, in the order of the help. */
export const dtCommands: readonly Command[] = [
  {
    path: 'dt allow-list',
    summary: 'make the policy of a VM that has given devices of the host',
    description: [
      'What the VM must be let ask of the power firmware: the clocks, resets and power domains that its devices use by',
      "the host's tree, each with its reason, shared where a device that stays on the host uses it too. A policy is",
      'printed; with --compare, how one differs, and the exit status is 1 where it does.',
    ].join(' '),
    args: [hostArgument],
    options: [
      ...selection,
      [
        '--bpmp <which>',
        'ask a BPMP for the clocks above: simulated, host-device (/dev/bpmp-host), or a path',
      ],
      ['--properties', "print the host driver's node (allowed-clocks …) instead"],
      [
        '--compare <what>',
        "a policy's file, a node of the host's tree, or a .dtbo with such a node: what it lacks, what is too much",
      ],
    ],
    examples: [
      'gpuvm dt allow-list orin.dtb --device gpu@17000000 host1x vic nvdec nvjpg@15540000',
      'gpuvm dt allow-list /proc/device-tree --vm vm.yaml --bpmp host-device > policy.yaml',
      'gpuvm dt allow-list orin.dtb --vm vm.yaml --compare examples/policies/gpu.yaml',
      'gpuvm dt allow-list orin.dtb --device host1x --properties',
    ],
    load: () => import('../dt/allow-list.js'),
  },
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
