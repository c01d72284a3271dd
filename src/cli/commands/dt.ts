import type { Command } from '../command.js';

const hostArgument = ['<host>', "the host's device tree: a .dtb file, or /proc/device-tree"] as const;
const treeArgument = ['<file>', 'a device tree: a .dtb file, or /proc/device-tree'] as const;
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
    path: 'dt analyze',
    summary: 'say what must move together with devices of the host, and what the host would miss',
    description: [
      "By the host's tree: what lies in the devices and around them, who has the same IOMMU stream, interrupt or registers,",
      'who refers to them, and which clocks, resets, power domains and memory they share with what stays. Nodes that are',
      'switched off are told of apart. --dot and --svg draw it.',
    ].join(' '),
    args: [hostArgument],
    options: [
      ...selection,
      ['--dot [file]', "draw it in Graphviz's language, to the file or to stdout"],
      ['--svg [file]', 'draw it as SVG, to the file or to stdout'],
    ],
    examples: [
      'gpuvm dt analyze orin.dtb --device host1x',
      'gpuvm dt analyze /proc/device-tree --vm vm.yaml --json',
      'gpuvm dt analyze orin.dtb --device host1x vic --svg host1x.svg',
    ],
    load: () => import('../dt/analyze.js'),
  },
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
    path: 'dt overlay',
    summary: "make the overlay for the host's device tree that gives a VM its devices",
    description: [
      'Each of the platform devices of the VM file gets a dummy compatible, a stream of an IOMMU and dma-coherent; engines are',
      'taken out of host1x; carve-outs are reserved and become devices; the driver behind /dev/bpmp-host is told what the VM',
      'needs. Reasons are in the source (--dts). One that would not work is not written, and the exit status is 69.',
    ].join(' '),
    args: [
      ['<host>', "the host's device tree without such an overlay: a .dtb file, or /proc/device-tree"],
      ['<file>', 'the VM file'],
    ],
    options: [
      [
        '-o, --output <file>',
        'where the overlay is put (default: stdout); as source where the name ends in .dts',
      ],
      ['--dts', 'as source, for dtc -@'],
      ['--apply <dtb>', "put the host's tree with the overlay in it there"],
      [
        '--bpmp <which>',
        'the BPMP that is asked for the clocks above: simulated (default), host-device (/dev/bpmp-host), or a path',
      ],
    ],
    examples: [
      'gpuvm dt overlay orin.dtb examples/orin-gpu-vm.yaml -o gpu-vm.dtbo',
      'gpuvm dt overlay orin.dtb vm.yaml --dts | less',
      'gpuvm dt overlay orin.dtb vm.yaml --apply with-overlay.dtb',
    ],
    load: () => import('../dt/overlay.js'),
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
  {
    path: 'dt check',
    summary: "hold a guest's device tree that was written by hand against what its VM needs",
    description: [
      "Where QEMU has the BPMP's window, each device's registers and interrupts, CPUs, memory, carve-outs; the clocks, resets",
      'and power domains that the policy grants; the kernel parameters that devices need; references that lead nowhere. A line',
      'for each finding, with the node and the right value. The exit status is 1 where there is one, or with --fix one is left.',
    ].join(' '),
    args: [
      ['<guest>', "the guest's device tree: a .dtb file"],
      ['<file>', 'the VM file'],
    ],
    options: [
      ['--host-tree <dtb>', "the host's device tree (default: deviceTree.hostTree, or that of this host)"],
      ['--qemu-tree <dtb>', "QEMU's own tree for this machine (default: QEMU is asked)"],
      ['--fix <file>', 'write the corrected tree there, and say what could not be corrected'],
      ['--sysroot <folder>', 'where /sys and /proc of the host are (default: /)'],
    ],
    examples: [
      'gpuvm dt check guest.dtb vm.yaml --host-tree orin.dtb',
      'gpuvm dt check guest.dtb vm.yaml --fix mended.dtb && mv mended.dtb guest.dtb',
    ],
    load: () => import('../dt/check.js'),
  },
  {
    path: 'dt show',
    summary: 'print a device tree, or a part of it, as source with names for numbers',
    description: [
      'References are printed by label, and clocks, resets, power domains and streams of a Tegra234 with their names behind',
      'them. What is printed for a whole tree, dtc compiles to the same tree again.',
    ].join(' '),
    args: [
      treeArgument,
      [
        '[place]',
        'a node by path, alias, label or name, or one of its properties: /cpus, serial0, &gpu, gpu@17000000:clocks (default: all)',
      ],
    ],
    examples: [
      'gpuvm dt show orin.dtb gpu:clocks',
      'gpuvm dt show /proc/device-tree /bpmp',
      'gpuvm dt show a.dtb > a.dts',
    ],
    load: () => import('../dt/show.js'),
  },
  {
    path: 'dt diff',
    summary: 'say in what two device trees differ',
    description: [
      'By nodes and properties, in whatever order they are; references are compared by what they refer to, so trees that only',
      'number their nodes differently are equal. The exit status is 1 where they differ.',
    ].join(' '),
    args: [
      ['<before>', treeArgument[1]],
      ['<after>', 'the other one'],
    ],
    options: [['--phandles', 'compare phandles by their numbers, too']],
    examples: ['gpuvm dt diff old.dtb new.dtb', 'gpuvm dt diff host.dtb /proc/device-tree'],
    load: () => import('../dt/diff.js'),
  },
  {
    path: 'dt set',
    summary: 'change a property of a device tree, or take it out',
    description: [
      "Values are as in dtc's source: '<1 &gic 0x10>', '\"okay\"', '[00 1f]', &label; in brackets, names stand for the numbers of",
      "the BPMP of a Tegra234: '<&bpmp GPUSYS>'. Bare text is a string, no value at all a property without one. What has",
      'changed is printed; the file is replaced as a whole.',
    ].join(' '),
    args: [
      treeArgument,
      ['<place>', 'the property: NODE:PROPERTY, the node by path, alias, label or name'],
      ['[value...]', 'the value'],
    ],
    options: [
      ['-o, --output <file>', 'where the tree is put (default: the file itself)'],
      ['--delete', 'take the property out; without a property, the node with all below it'],
    ],
    examples: [
      'gpuvm dt set guest.dtb /bpmp:virtual-pa "<0x0 0x090d0000>"',
      'gpuvm dt set guest.dtb gpu@17000000:clocks "<&bpmp GPUSYS>, <&bpmp GPC0CLK>"',
      'gpuvm dt set guest.dtb display:status disabled -o without-display.dtb',
      'gpuvm dt set guest.dtb gpu@17000000:iommus --delete',
    ],
    load: () => import('../dt/set.js'),
  },
];
