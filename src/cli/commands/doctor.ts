import type { Command } from '../command.js';

export const doctorCommands: readonly Command[] = [
  {
    path: 'doctor',
    summary: 'look whether this host can run VMs with a GPU, or the VM of a file',
    description: [
      'The kernel, its modules and parameters, the IOMMU, device nodes, memory, CPUs, QEMU, what is left of former runs; with',
      'a VM file also its files, devices and policy, the plan, and the device tree of the guest. It changes nothing. Each',
      'check says what it saw and, where something is amiss, what mends it; docs/troubleshooting.md has a section for each.',
      'The status is 0 where nothing fails (warnings are allowed), else 1.',
    ].join(' '),
    args: [['[file]', 'the VM file; without one the host alone is looked at']],
    options: [
      ['--sysroot <folder>', 'where /sys, /proc, /dev, /etc, /boot and /lib of the host are (default: /)'],
      ['--host-tree <dtb>', "the host's device tree (default: the one that the sysroot has)"],
      [
        '--state-dir <folder>',
        'where journals and locks are (default: GPUVM_STATE_DIR, or /var/lib/gpuvm and /run/gpuvm)',
      ],
    ],
    examples: ['gpuvm doctor', 'gpuvm doctor /etc/gpuvm/orin.yaml', 'gpuvm doctor vm.yaml --json'],
    load: () => import('../doctor/command.js'),
  },
];
