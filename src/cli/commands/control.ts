import type { Command } from '../command.js';

const vm = ['<name>', "the VM's name, or its VM file"] as const;
const follow = ['-f, --follow', 'go on with what comes, until the VM ends'] as const;

/** `pause`, `resume` and `reset` have one shape. */
function act(path: 'pause' | 'resume' | 'reset', summary: string): Command {
  return {
    path,
    summary,
    args: [vm],
    examples: [`gpuvm ${path} orin-gpu-vm`],
    load: async () => (await import('../control/act.js')).acting(path),
  };
}

export const controlCommands: readonly Command[] = [
  {
    path: 'ps',
    summary: 'list the VMs that run',
    description: 'Supervisors that died and left their socket behind are listed too, as stale.',
    examples: ['gpuvm ps', 'gpuvm ps --json'],
    load: () => import('../control/ps.js'),
  },
  {
    path: 'status',
    summary: 'say what a VM does, and what it has done so far',
    args: [vm],
    examples: ['gpuvm status orin-gpu-vm', 'gpuvm status vm.yaml --json'],
    load: () => import('../control/status.js'),
  },
  {
    path: 'stop',
    summary: 'end a VM',
    description: `The guest is asked to power down, and what does not end is ended by the VM file's stop ladder. Each further call
goes on to the next step at once.`,
    args: [vm],
    options: [
      ['--now', 'do not ask the guest: go on to the next step at once'],
      ['--wait', 'come back when all has ended and the host has its devices again'],
    ],
    examples: ['gpuvm stop orin-gpu-vm', 'gpuvm stop orin-gpu-vm --now --wait'],
    load: () => import('../control/stop.js'),
  },
  act('pause', "halt a VM's CPUs"),
  act('resume', "let a VM's CPUs go on"),
  act('reset', "press a VM's reset button"),
  {
    path: 'console',
    summary: "be at a VM's console",
    description: `What the guest said last comes first. At a terminal every key goes to the guest, Ctrl-C too; Ctrl-] leaves. Else
standard input is typed, and what the guest says is printed until the VM ends.`,
    args: [vm],
    options: [['--escape <key>', 'the key that leaves, such as ^] (which it is by default), or none']],
    examples: ['gpuvm console orin-gpu-vm', 'gpuvm console orin-gpu-vm </dev/null | grep -m 1 login:'],
    load: () => import('../control/console.js'),
  },
  {
    path: 'logs',
    summary: "print QEMU's and the supervisor's last lines",
    args: [vm],
    options: [follow],
    examples: ['gpuvm logs orin-gpu-vm -f'],
    load: () => import('../control/logs.js'),
  },
  {
    path: 'events',
    summary: 'print what happened to a VM, one JSON document a line',
    args: [vm],
    options: [follow, ['--since <time>', 'only what happened after it, such as 2026-01-31T12:00:00Z']],
    examples: ['gpuvm events orin-gpu-vm', 'gpuvm events orin-gpu-vm -f | jq -r .event'],
    load: () => import('../control/events.js'),
  },
  {
    path: 'qmp',
    summary: "execute a command of QEMU's machine protocol",
    description: `Arguments are key=value, where a value that is JSON is taken as such, or one JSON object. Prints what QEMU returns.`,
    args: [vm, ['<command>', 'such as query-status'], ['[arguments...]', 'key=value, or one JSON object']],
    options: [['--deadline <ms>', 'how long QEMU may take, in milliseconds']],
    examples: [
      'gpuvm qmp orin-gpu-vm query-status',
      'gpuvm qmp orin-gpu-vm human-monitor-command command-line="info mtree"',
      `gpuvm qmp orin-gpu-vm qom-list '{"path": "/machine"}'`,
    ],
    load: () => import('../control/qmp.js'),
  },
];
