import type { Command } from '../command.js';
import { capture, learned, watch } from './options.js';

export const runCommands: readonly Command[] = [
  {
    path: 'run',
    summary: 'start the VM of a VM file, and stay until it ends',
    description: `The guest's console is this terminal. Ctrl-C asks the guest to power down; another one goes on to the
next step: quit, SIGTERM, SIGKILL. Ctrl-A x does the same; Ctrl-A Ctrl-C sends a Ctrl-C to the guest.`,
    args: [['<file>', 'the VM file']],
    options: [
      watch,
      ['--events <file>', 'write what happens to this file, one JSON document a line'],
      ['--save-dtb <file>', "write the guest's device tree to this file as it is handed to QEMU"],
      capture,
      learned,
    ],
    examples: [
      'gpuvm run examples/simulated-orin.yaml --watch',
      'gpuvm run vm.yaml --capture vm.pcapng --events events.ndjson',
    ],
    load: () => import('../run/begin.js'),
  },
];
