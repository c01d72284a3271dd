import type { Section } from './text.js';

const SANDBOX = [
  ['NoNewPrivileges', 'yes'],
  ['ProtectSystem', 'strict'],
  ['ProtectHome', 'read-only'],
  ['PrivateTmp', 'yes'],
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

const confined = {
  comment: 'It changes drivers in sysfs and its own folders, and nothing else.',
  directives: [['CapabilityBoundingSet', CAPABILITIES], ...SANDBOX] as const,
};

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
        confined,
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
        confined,
      ],
    },
  ];
}
