import type { Command } from '../command.js';

export const configCommands: readonly Command[] = [
  {
    path: 'config check',
    summary: 'check a VM file and say what is wrong with it',
    description: 'One line for each mistake, with its place; the status is 78 where there is one.',
    args: [['<file>', 'the VM file']],
    options: [['--files', 'also look at the files that it names: kernel, disks, policy and the others']],
    examples: [
      'gpuvm config check examples/orin-gpu-vm.yaml',
      'gpuvm config check --files /etc/gpuvm/gpu.yaml',
    ],
    load: () => import('../config/check.js'),
  },
  {
    path: 'config schema',
    summary: 'print the JSON Schema of VM files, for editors',
    description: `Its first use is a line at the top of a VM file, for editors with YAML's language server:
# yaml-language-server: $schema=/path/to/vm-file.schema.json`,
    examples: ['gpuvm config schema > vm-file.schema.json'],
    load: () => import('../config/schema.js'),
  },
  {
    path: 'config example',
    summary: 'print a VM file to begin with',
    description: 'Without a name it is the Jetson Orin that owns its GPU; --list names the others.',
    args: [['[name]', 'which one']],
    options: [['--list', 'name the examples, and say what each is']],
    examples: ['gpuvm config example > gpu.yaml', 'gpuvm config example pci-gpu > gpu.yaml'],
    load: () => import('../config/example.js'),
  },
];
