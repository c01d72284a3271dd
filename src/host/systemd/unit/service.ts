import { HANDED_OVER } from '../../../errors.js';
import { confinement } from './confinement.js';
import type { ServiceFacts } from './facts.js';
import type { Directive, Paragraph, Section } from './text.js';

/** Descriptors of one VM: monitor, console, bridge, one for each process whose memory is read, and what is left to grow. */
const STORED_DESCRIPTORS = 64;
/** Three times the supervisor's own deadline for an answer. */
const WATCHDOG_SEC = 30;

const seconds = (ms: number) => `${Math.ceil(ms / 1000)}s`;

/** The sections of a service that runs one VM. */
export function serviceSections(facts: ServiceFacts): Section[] {
  return [
    unitSection(facts),
    { name: 'Service', paragraphs: [...running(facts), ...confinement(facts)] },
    install,
  ];
}

/** What is different for one VM from what the template has, as a drop-in. */
export function dropInSections(facts: ServiceFacts): Section[] {
  return [
    {
      name: 'Service',
      paragraphs: [
        {
          comment: "The template's lists are emptied, as systemd adds to them otherwise.",
          directives: [
            ['DeviceAllow', ''],
            ['CapabilityBoundingSet', ''],
            ['ReadWritePaths', ''],
            ['RestrictAddressFamilies', ''],
            ['SystemCallFilter', ''],
          ],
        },
        times(facts),
        stopTime(facts),
        ...confinement(facts),
      ],
    },
  ];
}

function unitSection({ name, modules }: ServiceFacts): Section {
  return {
    name: 'Unit',
    paragraphs: [
      {
        comment: 'What this is.',
        directives: [['Description', `Virtual machine ${name}`]],
      },
      {
        comment: `What an earlier boot, or a crash, left of changes to the host is taken back first.`,
        directives: [
          ['Wants', 'gpuvm-recover.service'],
          ['After', 'gpuvm-recover.service local-fs.target'],
        ],
      },
      {
        comment: 'The drivers that the devices are handed to. gpuvm itself may load no module.',
        directives: modules.flatMap((module): Directive[] => [
          ['Wants', `modprobe@${module}.service`],
          ['After', `modprobe@${module}.service`],
        ]),
      },
      {
        comment: `A supervisor that dies is started again, and goes on with the QEMU that it finds; one that dies ten times
          in five minutes is given up, and what it leaves behind is ended and taken back.`,
        directives: [
          ['StartLimitIntervalSec', '5min'],
          ['StartLimitBurst', '10'],
          ['OnFailure', 'gpuvm-ended@%n.service'],
        ],
      },
    ],
  };
}

function running(facts: ServiceFacts): Section['paragraphs'] {
  const program = facts.program.join(' ');
  return [
    {
      comment: `The service is up when gpuvm says so: when QEMU's monitor answers, or when the guest itself is up (ready: in
        the VM file). Nobody but the supervisor is listened to.`,
      directives: [
        ['Type', 'notify'],
        ['NotifyAccess', 'main'],
        ['ExecStart', `${program} run ${facts.file}`],
      ],
    },
    times(facts),
    stopTime(facts),
    {
      comment: `Fed only while QEMU's process is there, its monitor answers and the bridge's thread does. SIGKILL, because a
        supervisor that was stopped (SIGSTOP) or hangs in a system call takes no other signal.`,
      directives: [
        ['WatchdogSec', `${WATCHDOG_SEC}s`],
        ['WatchdogSignal', 'SIGKILL'],
      ],
    },
    {
      comment: `Hand-over. Only the supervisor is signalled (process), so QEMU lives on when its supervisor dies; control-group
        and mixed would kill it. Monitor, console and bridge are kept by systemd meanwhile, and the next supervisor gets them.
        "systemctl reload" makes the supervisor hand its VM over, such as after an update of gpuvm: it ends with status ${HANDED_OVER}.`,
      directives: [
        ['KillMode', 'process'],
        ['Environment', 'GPUVM_HAND_OVER=1'],
        ['FileDescriptorStoreMax', String(STORED_DESCRIPTORS)],
        ['ExecReload', '/bin/kill -s USR2 $MAINPID'],
        ['RestartForceExitStatus', String(HANDED_OVER)],
      ],
    },
    {
      comment: `What KillMode=process leaves alone is ended here, and the host's changes are taken back, unless the next
        supervisor is to go on with it.`,
      directives: [['ExecStopPost', `${program} service-ended %n --vm ${facts.name}`]],
    },
    {
      comment: `systemd starts the supervisor again where it died, hung, or asks for it. A VM's own end is for the VM file's
        restart:, and what the command line or a file has wrong no restart mends; docs/errors.md has the statuses.`,
      directives: [
        ['Restart', 'on-failure'],
        ['RestartSec', '200ms'],
        ['SuccessExitStatus', [...facts.wantedStatuses, HANDED_OVER].join(' ')],
        ['RestartPreventExitStatus', facts.finalStatuses.join(' ')],
      ],
    },
    {
      comment: `/var/lib/gpuvm: the journal of changes to the host. /run/gpuvm: locks and control sockets, shared by all VMs;
        the folder below it is this VM's own, and stays for the next supervisor.`,
      directives: [
        ['StateDirectory', 'gpuvm'],
        ['StateDirectoryMode', '0700'],
        ['RuntimeDirectory', `gpuvm/vm/${facts.name}`],
        ['RuntimeDirectoryMode', '0755'],
        ['RuntimeDirectoryPreserve', 'restart'],
        [
          'Environment',
          [
            `XDG_RUNTIME_DIR=%t/gpuvm/vm/${facts.name}`,
            'GPUVM_RUNTIME_DIR=%t/gpuvm',
            ...(facts.cacheHome === undefined ? [] : [`XDG_CACHE_HOME=${facts.cacheHome}`]),
          ].join(' '),
        ],
      ],
    },
    {
      comment: "VFIO pins all of the guest's memory, and counts it against this limit.",
      directives: facts.pinsMemory ? [['LimitMEMLOCK', 'infinity']] : [],
    },
    {
      comment: `Descriptors: the stand-in for the BPMP's device is number 1000. A core would hold the guest's memory. When
        memory runs out others go first; and that one process went is no reason to end the rest.`,
      directives: [
        ['LimitNOFILE', '65536'],
        ['LimitCORE', '0'],
        ['OOMScoreAdjust', '-500'],
        ['OOMPolicy', 'continue'],
      ],
    },
  ];
}

const times = ({ startMs }: ServiceFacts): Paragraph => ({
  comment: `Hooks, devices, the monitor and the guest's being ready, with the time that pinning its memory takes; gpuvm asks
    for more where it needs more.`,
  directives: [['TimeoutStartSec', seconds(startMs)]],
});

const stopTime = ({ stopMs }: ServiceFacts): Paragraph => ({
  comment: "All rungs of the stop ladder, giving back what the guest held, and the devices' way home.",
  directives: [['TimeoutStopSec', seconds(stopMs)]],
});

const install: Section = {
  name: 'Install',
  paragraphs: [
    { comment: 'Started at boot, once enabled.', directives: [['WantedBy', 'multi-user.target']] },
  ],
};
