import type { Command } from '../command.js';
import { capture, device, learned, policy, simulated, watch } from './options.js';

const throughVm = ['--vm <name>', 'ask as the guest of this running VM would'] as const;
/** Of commands that look at the firmware's state, and may change it. */
const inspected = [
  device,
  simulated,
  throughVm,
  ['--force', 'make the change'],
  ['--policy <file>', 'the policy whose leave the change needs'],
  ['--shared', 'make it also where others on the host use the resource'],
] as const;

export const bpmpCommands: readonly Command[] = [
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
    load: () => import('../bpmp/decide.js'),
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
    load: () => import('../bpmp/send.js'),
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
    load: () => import('../bpmp/decode.js'),
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
      capture,
      learned,
    ],
    examples: ['gpuvm bpmp serve --socket /tmp/bpmp.sock --policy examples/policies/gpu.yaml --simulated'],
    load: () => import('../bpmp/serve.js'),
  },
  {
    path: 'bpmp trace',
    summary: 'print BPMP transfers, a line each, by their names',
    description: [
      'Of running VMs, as they happen with --follow; of captures; or of a program that opens the BPMP device of this host, which is run',
      "behind --: what it asks is forwarded, unless a policy is given, and the exit status is the program's.",
    ].join(' '),
    args: [
      [
        '[words...]',
        'a capture file, - for one on standard input, a running VM (the one that runs), or -- PROGRAM ARGS',
      ],
    ],
    options: [
      ['--filter <expression>', 'only the transfers that match, such as bpmp.verdict == "deny"'],
      ['-f, --follow', 'go on with what comes: until the VM ends, or Ctrl-C'],
      ['-x, --hex', 'with the bytes of request and reply'],
      ['-c, --count <n>', 'end after so many'],
      ['--last <n>', 'only the last so many; with --follow, of what the VM has kept'],
      ['--relative', 'times since the first transfer'],
      ['--delta', 'times since the transfer before'],
      ['--fields <names>', 'these fields only, with tabs between, such as bpmp.clk.name,bpmp.ret'],
      device,
      simulated,
      ['--policy <file>', 'a policy that decides on what the program asks'],
      ['--capture <file>', 'also write what the program asks to this capture file'],
    ],
    examples: [
      'gpuvm bpmp trace simulated-orin -f --filter \'bpmp.verdict == "deny"\'',
      'gpuvm bpmp trace gpu.pcapng --filter \'bpmp.clk.name == "GPUSYS"\' -x',
      'gpuvm bpmp trace --simulated -- gpuvm bpmp send clk enable GPUSYS',
    ],
    load: () => import('../bpmp/trace.js'),
  },
  {
    path: 'bpmp top',
    summary: "watch a VM's BPMP transfers: rates, resources, denials, latencies, what it holds",
    description:
      'A screen with keys (? shows them) for a running VM, or for a capture that is read to its end. Without a terminal, or ' +
      'with --once, it prints what there is once.',
    args: [
      ['[source]', 'a running VM, a capture file, or - for one on standard input; the one VM that runs'],
    ],
    options: [
      ['--once', 'print one text and end, also at a terminal'],
      ['--filter <expression>', 'only the transfers that match, such as bpmp.verdict == "deny"'],
      ['--policy <file>', 'say which line of this policy would allow what was denied'],
      ['--interval <seconds>', 'between two pictures (default: 0.5)'],
      ['--ascii', 'draw with ASCII characters alone, as without a UTF-8 locale'],
    ],
    examples: ['gpuvm bpmp top simulated-orin', 'gpuvm bpmp top gpu.pcapng --once'],
    load: () => import('../bpmp/top/command.js'),
  },
  {
    path: 'bpmp explain',
    summary: 'explain step by step what a policy says of a request, and what allowing it would mean',
    description: [
      "The request is written by names, or given as bytes, or is a recorded one: FILE:SEQUENCE or FILE#N, the N-th of the file; a VM's",
      'name stands for its last transfers. Says which bytes are which fields, which lines were looked at, the line that would change',
      'the answer, and what the guest could then do to the host.',
    ].join(' '),
    args: [['<words...>', 'the request, such as clk enable GPUSYS, or gpu.pcapng:1234']],
    options: [
      policy,
      ['--mrq <mrq>', 'the word is a payload in hexadecimal digits, of this MRQ'],
      [
        '--host-tree <tree>',
        'whose clocks, resets and domains they are: a .dtb or /proc/device-tree (default: that of this host)',
      ],
      [
        '--device [path]',
        'ask this BPMP which clock hangs on which, instead of a model (default: /dev/bpmp-host)',
      ],
    ],
    examples: [
      'gpuvm bpmp explain clk disable PLLP_OUT0 --policy examples/policies/gpu.yaml',
      'gpuvm bpmp explain gpu.pcapng:1234 --policy gpu.yaml --host-tree orin.dtb',
      'gpuvm bpmp explain --mrq clk a7000007 --policy gpu.yaml',
    ],
    load: () => import('../bpmp/explain.js'),
  },
  {
    path: 'bpmp learn',
    summary: 'write the least policy by which recorded transfers fare as they did',
    description: [
      'What was allowed is allowed, what was absorbed is absorbed, what a policy that was only watching denied is allowed; with how often,',
      'when first and last, and whose it is. With --policy, the present policy is cut and mended to that. What an enforced policy denied',
      'is left out, and so are reads of what a view hides. The exit status is 1 where --diff shows a difference.',
    ].join(' '),
    args: [['[sources...]', 'captures, - for one on standard input, running VMs; the one VM that runs']],
    options: [
      ['--policy <file>', 'the present policy'],
      ['--diff', 'print what would change of it, as diff -u does'],
      ['-o, --output <file>', 'where the policy goes (default: standard output)'],
      ['--filter <expression>', 'only the transfers that match'],
      ['--include-denied', 'learn also what a policy that was enforced denied'],
      [
        '--host-tree <tree>',
        "say of each resource whose it is, by the host's device tree: a .dtb or /proc/device-tree",
      ],
    ],
    examples: [
      'gpuvm bpmp learn gpu.pcapng --host-tree orin.dtb -o learned.yaml',
      'gpuvm bpmp learn gpu.pcapng --policy gpu.yaml --diff',
    ],
    load: () => import('../bpmp/learn.js'),
  },
  {
    path: 'bpmp replay',
    summary: 'send recorded requests again and compare the answers, or ask a policy about them',
    description: [
      'With --policy alone nothing is sent: what the policy says of each request is compared with what was said then. The exit status',
      'is 1 where anything differs; the first 20 are listed. Requests that pass memory addresses are never sent anywhere.',
    ].join(' '),
    args: [['[sources...]', 'captures, - for one on standard input, running VMs; the one VM that runs']],
    options: [
      ['--to <where>', 'simulated, device, device:PATH, or a running VM, through its own policy'],
      ['--policy <file>', 'the policy that is asked, or stands in front of the model or device'],
      ['--filter <expression>', 'only the transfers that match'],
      [
        '--ignore <fields...>',
        'fields of replies that may differ, such as bpmp.clk.reply.rate or bpmp.thermal.*',
      ],
      ['--speed <speed>', 'max, or real: with the pauses of the recording, up to 10 s each (default: max)'],
      ['--force', 'send to a device without a policy in front of it'],
    ],
    examples: [
      'gpuvm bpmp replay gpu.pcapng --policy gpu.yaml',
      'gpuvm bpmp replay gpu.pcapng --to simulated --policy gpu.yaml',
    ],
    load: () => import('../bpmp/replay.js'),
  },
  {
    path: 'bpmp report',
    summary: 'write a page to look through BPMP transfers with: timeline, denials, latencies, every field',
    description:
      'One HTML file that needs nothing else and opens in any browser. Of more transfers than it can hold it keeps all that ' +
      'were refused or failed first, and every so many of the others; the figures count all.',
    args: [
      ['[source]', 'a capture file, - for one on standard input, or a running VM; the one VM that runs'],
    ],
    options: [
      ['-o, --output <file>', 'the page to write', true],
      ['--filter <expression>', 'only the transfers that match, such as bpmp.clk.name == "GPUSYS"'],
      ['--vm <file>', "a VM file: its memory map, and its policy's line for what was refused"],
      ['--policy <file>', 'say which line of this policy would allow what was refused'],
      ['--title <text>', "the page's title"],
      ['--limit <n>', 'how many transfers to keep one by one (default: 200000)'],
    ],
    examples: [
      'gpuvm bpmp report gpu.pcapng -o report.html',
      'gpuvm bpmp report gpu.pcapng -o report.html --vm examples/simulated-orin.yaml --filter "bpmp.latency > 1ms"',
    ],
    load: () => import('../bpmp/report.js'),
  },
  {
    path: 'bpmp dissector',
    summary: 'write the dissector that has Wireshark read captures of BPMP transfers',
    description:
      'A file of Lua, with the names of MRQs, commands, clocks, resets, power domains and return codes in it. Without options ' +
      'it goes to standard output.',
    options: [
      ['--install', "put it where Wireshark looks for the user's own plugins"],
      ['--system', "put it where Wireshark looks for everybody's plugins"],
      ['-o, --output <file>', 'write it to this file'],
    ],
    examples: ['gpuvm bpmp dissector --install', 'gpuvm bpmp dissector -o gpuvm-bpmp.lua'],
    load: () => import('../bpmp/dissector/command.js'),
  },
  {
    path: 'bpmp fields',
    summary: 'list the fields of a transfer that filters, Wireshark and reports know',
    args: [['[words...]', 'only those with these words in their names or meanings']],
    examples: ['gpuvm bpmp fields', 'gpuvm bpmp fields clk rate', 'gpuvm bpmp fields --json'],
    load: () => import('../bpmp/fields.js'),
  },
  {
    path: 'bpmp clk',
    summary: "show the firmware's clocks as it has them, or set one",
    description:
      'tree [GLOB] (what it does without words), show NAME, or set NAME rate=RATE | parent=NAME | on | off. A change needs ' +
      "--force and the leave of a policy: --policy, or the VM's own.",
    args: [['[words...]', 'tree, show or set, and what']],
    options: inspected,
    examples: [
      'gpuvm bpmp clk --simulated',
      "gpuvm bpmp clk tree 'gpc*' --vm simulated-orin",
      'gpuvm bpmp clk show GPC0CLK --simulated',
      'gpuvm bpmp clk set GPC0CLK rate=1.3GHz --policy examples/policies/gpu.yaml --force',
    ],
    load: () => import('../bpmp/clk.js'),
  },
  {
    path: 'bpmp reset',
    summary: 'list the resets and who holds them, or set one',
    description:
      'list [GLOB], show NAME, or set NAME assert | deassert | module. No firmware tells how a reset stands. A change needs ' +
      '--force and the leave of a policy.',
    args: [['[words...]', 'list, show or set, and what']],
    options: inspected,
    examples: [
      "gpuvm bpmp reset list 'gpu*' --simulated",
      'gpuvm bpmp reset set GPU assert --policy examples/policies/gpu.yaml --force',
    ],
    load: () => import('../bpmp/reset.js'),
  },
  {
    path: 'bpmp pg',
    summary: "show the firmware's power domains as it has them, or set one",
    description:
      'list [GLOB], show NAME, or set NAME on | off. A change needs --force and the leave of a policy.',
    args: [['[words...]', 'list, show or set, and what']],
    options: inspected,
    examples: [
      'gpuvm bpmp pg --simulated',
      'gpuvm bpmp pg set GPU on --policy examples/policies/gpu.yaml --force',
    ],
    load: () => import('../bpmp/pg.js'),
  },
  {
    path: 'bpmp debugfs',
    summary: "list and read the firmware's debug files",
    args: [['[words...]', 'ls [PATH], or cat PATH']],
    options: [device, simulated, throughVm],
    examples: ['gpuvm bpmp debugfs ls /clk --simulated', 'gpuvm bpmp debugfs cat /tag --simulated'],
    load: () => import('../bpmp/debugfs.js'),
  },
];
