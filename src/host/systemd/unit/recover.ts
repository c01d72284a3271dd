import type { Section } from './text.js';

const SANDBOX = [
  ['NoNewPrivileges', 'yes'],
  ['ProtectSystem', 'strict'],
  ['ProtectHome', 'read-only'],
  ['PrivateNetwork', 'yes'],
  ['RestrictAddressFamilies', 'AF_UNIX'],
  ['RestrictNamespaces', 'yes'],
  ['RestrictRealtime', 'yes'],
  ['RestrictSUIDSGID', 'yes'],
  ['LockPersonality', 'yes'],
  ['ProtectKernelModules', 'yes'],
  ['ProtectKernelLogs', 'yes'],
  ['ProtectClock', 'yes'],
  ['ProtectHostname', 'yes'],
  ['ProtectControlGroups', 'yes'],
  ['ProtectKernelTunables', 'yes'],
  ['ReadWritePaths', '-/run/gpuvm -/sys/bus/platform -/sys/bus/pci -/sys/devices'],
  ['DevicePolicy', 'closed'],
  // What a dead guest held of the BPMP is given back through it.
  ['DeviceAllow', '/dev/bpmp-host rw'],
  ['SystemCallArchitectures', 'native'],
  ['SystemCallFilter', '@system-service'],
  ['SystemCallErrorNumber', 'ENOSYS'],
  ['UMask', '0077'],
] as const;

/** Rights: other users' processes are looked at, and ended; device nodes go back to their owners. */
const CAPABILITIES = 'CAP_SYS_PTRACE CAP_KILL CAP_CHOWN CAP_FOWNER CAP_DAC_OVERRIDE';

const folders = [
  ['StateDirectory', 'gpuvm'],
  ['StateDirectoryMode', '0700'],
  ['Environment', 'GPUVM_RUNTIME_DIR=%t/gpuvm'],
] as const;

function confined(program: readonly string[]) {
  // A checkout in /tmp would not be there.
  const isInTmp = program.some((word) => /^"?\/(var\/)?tmp\//.test(word));
  return {
    comment:
      'It changes drivers in sysfs, its own folders and what a guest left on in the BPMP, and nothing else.',
    directives: [
      ['CapabilityBoundingSet', CAPABILITIES],
      ['PrivateTmp', isInTmp ? 'no' : 'yes'],
      ...SANDBOX,
    ] as const,
  };
}

/** Once at boot, before any VM: what a power cut left is taken back. */
export function recoverSections(program: readonly string[]): Section[] {
  return [
    {
      name: 'Unit',
      paragraphs: [
        {
          comment:
            'What an earlier boot, or a crash, left of changes to the host is taken back before any VM starts.',
          directives: [
            ['Description', 'Take back changes to the host that gpuvm did not live to take back'],
            ['After', 'local-fs.target systemd-modules-load.service'],
          ],
        },
      ],
    },
    {
      name: 'Service',
      paragraphs: [
        {
          comment: 'Once for each boot. VMs that run are left alone: their locks are held.',
          directives: [
            ['Type', 'oneshot'],
            ['RemainAfterExit', 'yes'],
            ['ExecStart', `${program.join(' ')} recover`],
            ['TimeoutStartSec', '2min'],
            ...folders,
          ],
        },
        confined(program),
      ],
    },
    {
      name: 'Install',
      paragraphs: [{ comment: 'Also without a VM.', directives: [['WantedBy', 'multi-user.target']] }],
    },
  ];
}

/** After a VM's service was given up: what it left behind is ended and taken back. */
export function endedSections(program: readonly string[]): Section[] {
  return [
    {
      name: 'Unit',
      paragraphs: [
        {
          comment:
            "Started by a VM's service that failed for good (OnFailure); the instance is that service's name.",
          directives: [['Description', 'End what is left of %i, and take its changes to the host back']],
        },
      ],
    },
    {
      name: 'Service',
      paragraphs: [
        {
          comment: 'A QEMU without a supervisor is ended, and then the host is put right.',
          directives: [
            ['Type', 'oneshot'],
            ['ExecStart', `${program.join(' ')} service-ended %i --given-up`],
            ['TimeoutStartSec', '2min'],
            ...folders,
          ],
        },
        confined(program),
      ],
    },
  ];
}
