import type { Command } from './command.js';

const device = ['--device <path>', "the host's BPMP device (default: /dev/bpmp-host)"] as const;
const simulated = ['--simulated', 'ask a BPMP model instead of a device'] as const;
const watch = ['--watch', 'print each request by name with its verdict as it happens'] as const;
const learned = [
  '--learned <file>',
  'with `mode: learn`, write the policy that was learned to this file',
] as const;
const policy = ['--policy <file>', 'the policy that decides', true] as const;

/** Every command of `gpuvm`. */
export const commands: readonly Command[] = [
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
      learned,
    ],
    examples: ['gpuvm run examples/simulated-orin.yaml --watch', 'gpuvm run vm.yaml --events events.ndjson'],
    load: () => import('./run/begin.js'),
  },
  {
    path: 'policy check',
    summary: 'check a policy and say what it grants',
    args: [['<file>', 'the policy']],
    examples: ['gpuvm policy check examples/policies/gpu.yaml'],
    load: () => import('./policy-check.js'),
  },
  {
    path: 'bpmp decide',
    summary: 'say what a policy answers to requests, without a VM',
    description:
      'Requests are lines such as {"mrq":22,"tx":"30010007"}; each is answered with a line of JSON.',
    args: [['[file]', 'the requests, instead of standard input']],
    options: [policy],
    examples: [
      `echo '{"mrq":22,"tx":"30010007"}' | gpuvm bpmp decide --policy examples/policies/gpu.yaml`,
      'gpuvm bpmp decide --policy examples/policies/gpu.yaml trace.ndjson',
    ],
    load: () => import('./bpmp-decide.js'),
  },
  {
    path: 'bpmp send',
    summary: 'send one request to a BPMP and print its reply',
    description:
      'The request is written by names: the MRQ, its command, then its fields in order or as field=value.',
    args: [['[words...]', 'the request, such as clk enable GPUSYS']],
    options: [device, simulated, ['--raw', 'the words are an MRQ and the payload in hexadecimal digits']],
    examples: [
      'gpuvm bpmp send clk enable GPUSYS --simulated',
      'gpuvm bpmp send clk set-rate GPC0CLK 1.3GHz',
      'gpuvm bpmp send --raw 22 30010007 --simulated',
    ],
    load: () => import('./bpmp-send.js'),
  },
  {
    path: 'bpmp decode',
    summary: 'print a request, or a reply, by its names',
    args: [['<hex>', "the request's payload in hexadecimal digits"]],
    options: [
      ['--mrq <mrq>', 'the MRQ, by name or number', true],
      ['--reply <hex>', 'also decode this reply to it'],
      ['--ret <code>', "the reply's return code (default: 0)"],
    ],
    examples: [
      'gpuvm bpmp decode 30010007 --mrq clk',
      'gpuvm bpmp decode 00000000 --mrq PING --reply 00000000',
    ],
    load: () => import('./bpmp-decode.js'),
  },
  {
    path: 'bpmp serve',
    summary: 'serve the BPMP window to a QEMU that is started by hand',
    description: 'Prints the arguments that QEMU needs. Serves one guest after another, until Ctrl-C.',
    options: [
      ['--socket <path>', 'the Unix socket that QEMU connects to', true],
      policy,
      device,
      simulated,
      ['--layout <layout>', 'auto, shared or trapped (default: auto)'],
      ['--address <address>', "the window's guest-physical address"],
      watch,
      learned,
    ],
    examples: ['gpuvm bpmp serve --socket /tmp/bpmp.sock --policy examples/policies/gpu.yaml --simulated'],
    load: () => import('./bpmp-serve.js'),
  },
];
