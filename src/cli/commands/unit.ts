import type { Command } from '../command.js';

export const unitCommands: readonly Command[] = [
  {
    path: 'unit',
    summary: 'print a systemd unit that runs the VM of a VM file',
    description: `The unit may use the devices, files and rights that this VM needs, and no others; each directive is explained
in it. Made as the user and with the paths that the service is to have.`,
    args: [['[file]', 'the VM file']],
    options: [
      ['--install <folder>', 'write it there, with the units that it needs, such as /etc/systemd/system'],
      ['--drop-in', 'print what an instance of the template needs for this VM'],
      ['--template', 'print gpuvm@.service, which runs the VMs of /etc/gpuvm'],
    ],
    examples: [
      'gpuvm unit vm.yaml',
      'gpuvm unit vm.yaml --install /etc/systemd/system',
      'gpuvm unit --template --install /etc/systemd/system',
    ],
    load: () => import('../unit/command.js'),
  },
  {
    path: 'service-ended',
    summary: "end what a VM's service left behind; for unit files",
    description: `What a service runs when its supervisor is gone (ExecStopPost): leaves a VM that is handed over alone, and
otherwise ends its processes and takes back its changes to the host.`,
    args: [['<unit>', "the service's name"]],
    options: [
      ['--vm <name>', "only this VM's changes to the host are taken back"],
      ['--given-up', 'no other supervisor follows'],
    ],
    examples: ['gpuvm service-ended gpuvm-orin-gpu-vm.service --given-up'],
    load: () => import('../unit/ended.js'),
  },
];
