import { type Check, type CheckedHost, concerns, type HostNeeds, lacking, wantsDevices } from './check.js';
import { configPaths, type KernelConfig, readKernelConfig } from './kernel-config.js';
import { isTegra, isThere, kernelRelease, text } from './read.js';

/** What the interposed bridge needs: a seccomp listener that installs a descriptor and answers in one step. */
const OLDEST = [5, 14] as const;
/** From here on a call that is being answered is not interrupted by signals (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV). */
const BETTER = [5, 19] as const;

export const kernelVersion: Check<CheckedHost> = {
  id: 'kernel.version',
  run({ sysroot, needs }) {
    const release = kernelRelease(sysroot);
    const evidence = `/proc/sys/kernel/osrelease: ${release ?? 'cannot be read'}`;
    const found = /^(\d+)\.(\d+)/.exec(release ?? '');
    if (!found) return [{ status: 'warn', what: "the kernel's version is not known", evidence }];
    const older = ([major, minor]: readonly [number, number]) =>
      Number(found[1]) < major || (Number(found[1]) === major && Number(found[2]) < minor);
    const interposed = needs?.interposed === true;
    if (older(OLDEST))
      return [
        {
          status: interposed ? 'fail' : 'warn',
          what: `Linux ${release} is too old for the interposed bridge, which needs 5.14`,
          evidence,
          fix: 'use a newer kernel (JetPack 6 has 5.15), or bridge: { kind: vfio-user } with a QEMU of 10.1 or newer',
        },
      ];
    const note =
      interposed && older(BETTER) ? ': calls that are being answered can be interrupted before 5.19' : '';
    return [{ status: 'ok', what: `Linux ${release}${note}`, evidence }];
  },
};

interface Option {
  /** One of them is enough. */
  readonly names: readonly string[];
  readonly why: string;
  wants(needs: HostNeeds): boolean;
  /** Only these architectures have it, as the configuration itself says. */
  readonly only?: 'arm64' | 'x86' | 'tegra';
  /** Something that is there whatever the configuration says: the answer of the running kernel. */
  readonly proof?: string;
}

const options: readonly Option[] = [
  {
    names: ['VFIO'],
    why: 'devices are given away through VFIO',
    wants: wantsDevices,
    proof: 'dev/vfio/vfio',
  },
  {
    names: ['VFIO_PLATFORM'],
    why: 'it drives platform devices for VMs',
    wants: (needs) => needs.platformDevices,
    only: 'arm64',
    proof: 'sys/bus/platform/drivers/vfio-platform',
  },
  {
    names: ['VFIO_PCI'],
    why: 'it drives PCI devices for VMs',
    wants: (needs) => needs.pciDevices,
    proof: 'sys/bus/pci/drivers/vfio-pci',
  },
  {
    names: ['VFIO_IOMMU_TYPE1', 'IOMMUFD'],
    why: "it maps the guest's memory for its devices",
    wants: wantsDevices,
    proof: 'sys/module/vfio_iommu_type1',
  },
  {
    names: ['ARM_SMMU', 'ARM_SMMU_V3'],
    why: 'the IOMMU holds the DMA of devices in',
    wants: wantsDevices,
    only: 'arm64',
  },
  {
    names: ['INTEL_IOMMU', 'AMD_IOMMU'],
    why: 'the IOMMU holds the DMA of devices in',
    wants: ({ pciDevices }) => pciDevices,
    only: 'x86',
  },
  { names: ['KVM'], why: 'the guest runs on the CPU itself', wants: ({ kvm }) => kvm, proof: 'dev/kvm' },
  {
    names: ['SECCOMP_FILTER'],
    why: "the interposed bridge answers QEMU's calls",
    wants: ({ interposed }) => interposed,
  },
  { names: ['MEMFD_CREATE'], why: 'memory is shared without a file', wants: ({ memfd }) => memfd },
  {
    names: ['TEGRA_BPMP_HOST_PROXY'],
    why: "requests reach the chip's power firmware",
    wants: ({ bpmpDevice }) => bpmpDevice !== undefined,
    only: 'tegra',
    // Other patches for the same device have other names.
    proof: 'dev/bpmp-host',
  },
];

/** Those that can be modules; the others are built in or not there. */
const MODULES = /^(VFIO|IOMMUFD|KVM)/;

export const kernelConfig: Check<CheckedHost> = {
  id: 'kernel.config',
  run({ sysroot }) {
    const config = readKernelConfig(sysroot);
    if (config)
      return [
        {
          status: 'ok',
          what: "the kernel's options are known",
          evidence: `${config.from}: ${config.options.size} options`,
        },
      ];
    return [
      {
        status: 'warn',
        what: "the kernel's options are not known: what it lacks shows at the start of a VM only",
        evidence: `neither /proc/config.gz nor ${configPaths(sysroot).join(', ') || 'a release to look for'}`,
        fix: 'modprobe configs, or install the package that has /boot/config-$(uname -r)',
      },
    ];
  },
};

export const kernelOptions: Check<CheckedHost> = {
  id: 'kernel.option',
  run({ sysroot, needs }) {
    const config = readKernelConfig(sysroot);
    if (!config) return [];
    return options
      .filter((option) => isOf(option, config, sysroot, needs) && concerns(needs, option.wants))
      .map(({ names, why, proof }) => {
        const set = names.filter((name) => /^[ym]$/.test(config.options.get(`CONFIG_${name}`) ?? ''));
        const all = names.map((name) => `CONFIG_${name}`);
        const about = { on: all[0]! };
        if (set.length > 0) {
          const how = set.map((name) => `CONFIG_${name}=${config.options.get(`CONFIG_${name}`)}`).join(', ');
          return { ...about, status: 'ok' as const, what: `${how}: ${why}`, evidence: config.from };
        }
        if (proof !== undefined && isThere(sysroot, proof))
          return {
            ...about,
            status: 'ok' as const,
            what: `what ${all[0]} gives is there: ${why}`,
            evidence: `/${proof}, though ${config.from} does not have it`,
          };
        return {
          ...about,
          status: lacking(needs),
          what: `the kernel is built without ${all.join(' or ')}: ${why}`,
          evidence: `${config.from}: # ${all[0]} is not set`,
          fix: `rebuild the kernel with ${all[0]}=${MODULES.test(names[0]!) ? 'm' : 'y'}, or use one that has it`,
        };
      });
  },
};

function isOf(
  { only }: Option,
  { options }: KernelConfig,
  sysroot: string,
  needs: HostNeeds | undefined,
): boolean {
  switch (only) {
    case undefined:
      return true;
    case 'tegra':
      return isTegra(sysroot) || needs?.bpmpDevice !== undefined;
    case 'arm64':
      // Another architecture is no excuse for a VM that needs it.
      return options.has('CONFIG_ARM64') || needs?.platformDevices === true;
    case 'x86':
      return options.has('CONFIG_X86');
  }
}

const ACTIONS = 'proc/sys/kernel/seccomp/actions_avail';

/** The running kernel's own answer, which counts for more than how it was configured. */
export const seccompNotification: Check<CheckedHost> = {
  id: 'kernel.seccomp',
  run({ sysroot, needs }) {
    if (!concerns(needs, ({ interposed }) => interposed)) return [];
    const actions = text(sysroot, ACTIONS);
    const evidence = `/${ACTIONS}: ${actions ?? 'not there'}`;
    if (actions?.split(/\s+/).includes('user_notif'))
      return [{ status: 'ok', what: 'the kernel notifies a supervisor of system calls (seccomp)', evidence }];
    return [
      {
        status: lacking(needs),
        what: 'the kernel does not notify a supervisor of system calls, which the interposed bridge is made of',
        evidence,
        fix: 'use a kernel with CONFIG_SECCOMP_FILTER=y, 5.14 or newer; or bridge: { kind: vfio-user }',
      },
    ];
  },
};
