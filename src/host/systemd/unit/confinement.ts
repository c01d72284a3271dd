import type { Need, ServiceFacts } from './facts.js';
import { type Directive, type Paragraph, word } from './text.js';

const yes = (...names: string[]): Directive[] => names.map((name) => [name, 'yes']);

const NAMESPACES = { no: 'yes', 'by-root': 'mnt', 'by-user-namespace': 'user mnt' } as const;

/** What the service is kept from. It runs as root because drivers are changed in sysfs; little else of root is left to it. */
export function confinement(facts: ServiceFacts): Paragraph[] {
  return [devices(facts), capabilities(facts), files(facts), network(facts), ...kernel(facts)];
}

function devices({ devices }: ServiceFacts): Paragraph {
  return {
    comment: `Devices: the harmless ones that every program may use (null, zero, random, terminals)${
      devices.length > 0 ? `, and ${reasons(devices)}` : ''
    }.`,
    directives: [['DevicePolicy', 'closed'], ...devices.map(({ what }): Directive => ['DeviceAllow', what])],
  };
}

function capabilities({ capabilities }: ServiceFacts): Paragraph {
  return {
    comment: `Root's rights: ${reasons(capabilities)}.`,
    directives: [
      ['CapabilityBoundingSet', capabilities.map(({ what }) => what).join(' ')],
      ...yes('NoNewPrivileges'),
    ],
  };
}

/** `CAP_KILL (ends QEMU), CAP_CHOWN (…)`. */
function reasons(needs: readonly Need[]): string {
  return needs.length > 0 ? needs.map(({ what, why }) => `${what} (${why})`).join(', ') : 'none';
}

function files({ writable, needsHomes, needsTmp, bindsDevices }: ServiceFacts): Paragraph {
  return {
    comment: `Files: all is read-only but gpuvm's own folders${writable.length > 0 ? ' and what the guest writes to' : ''}${
      bindsDevices ? "; of the kernel's settings, the folders in which devices change their drivers" : ''
    }.${needsHomes ? ' Something that the VM needs lies in a home folder.' : ''}${
      needsTmp ? ' Something that the VM needs lies in /tmp, so this is no /tmp of its own.' : ''
    }`,
    directives: [
      ['ProtectSystem', 'strict'],
      ['ProtectHome', needsHomes ? 'read-only' : 'yes'],
      ['PrivateTmp', needsTmp ? 'no' : 'yes'],
      ['ReadWritePaths', ['/run/gpuvm', ...writable].map((path) => word(`-${path}`)).join(' ')],
      ...yes('ProtectKernelTunables'),
      ...(bindsDevices
        ? ([['ReadWritePaths', '-/sys/bus/platform -/sys/bus/pci -/sys/devices']] satisfies Directive[])
        : []),
      ...yes(
        'ProtectControlGroups',
        'ProtectKernelModules',
        'ProtectKernelLogs',
        'ProtectClock',
        'ProtectHostname',
      ),
      ['UMask', '0077'],
    ],
  };
}

function network({ network }: ServiceFacts): Paragraph {
  if (network === 'none') {
    return {
      comment: 'Network: none, as the VM file names none.',
      directives: [
        ...yes('PrivateNetwork'),
        ['IPAddressDeny', 'any'],
        ['RestrictAddressFamilies', 'AF_UNIX'],
      ],
    };
  }
  return {
    comment: "Network: the host's, which the VM file asks for.",
    directives: [['RestrictAddressFamilies', 'AF_UNIX AF_INET AF_INET6 AF_NETLINK']],
  };
}

function kernel({ isInterposed, bindsDevices, hidesNode }: ServiceFacts): Paragraph[] {
  return [
    {
      comment: `The kernel's interfaces. Memory that is writable and executable stays allowed: Node and QEMU's emulation
        compile at run time.${hidesNode === 'no' ? '' : " A mount namespace hides the BPMP's node from QEMU."}`,
      directives: [
        ...yes('LockPersonality', 'RestrictSUIDSGID', 'RestrictRealtime'),
        ['RestrictNamespaces', NAMESPACES[hidesNode]],
        ['KeyringMode', 'private'],
        // Who holds a device is found in /proc.
        ...(bindsDevices || isInterposed ? [] : ([['ProtectProc', 'invisible']] satisfies Directive[])),
      ],
    },
    {
      comment: `System calls: those of ordinary services${
        isInterposed ? ', and seccomp, by which QEMU is put behind the bridge; its filter joins this one' : ''
      }${hidesNode === 'no' ? '' : ', and mount for that namespace'}. One that is not allowed is answered as an old kernel would, for which programs are prepared.`,
      directives: [
        ['SystemCallArchitectures', 'native'],
        [
          'SystemCallFilter',
          [
            '@system-service',
            ...(isInterposed ? ['seccomp'] : []),
            ...(hidesNode === 'no' ? [] : ['mount']),
          ].join(' '),
        ],
        ['SystemCallErrorNumber', 'ENOSYS'],
      ],
    },
  ];
}
