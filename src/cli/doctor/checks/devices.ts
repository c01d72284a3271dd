import type { VmStatus } from '../../../control/index.js';
import type { Finding } from '../../../finding.js';
import { checkDevices, deviceRequests, listGroups } from '../../../vfio/index.js';
import { pinnedBytes } from '../../../vm/index.js';
import type { Row } from '../examine.js';
import type { Given } from '../given.js';

/** What vfio finds out about the VM's devices; without any, whether there is an IOMMU at all. */
export const deviceRow: Row = {
  ids: [
    'vfio.iommu',
    'vfio.container',
    'vfio.memlock',
    'vfio.module',
    'vfio.present',
    'vfio.group',
    'vfio.driver',
    'vfio.reset',
    'vfio.holders',
    'vfio.consumers',
    'vfio.quirk',
    'vfio.hung',
    'vfio.viable',
    'vfio.node',
    'vfio.claim',
  ],
  run: async (given) => {
    const { config, sysroot, account, folders, running } = given;
    const requests = config ? deviceRequests(config) : [];
    if (!config || requests.length === 0) return [iommu(given)];
    const findings = await checkDevices(requests, {
      sysroot,
      folders,
      // Under another account QEMU gets its limit from gpuvm's wrapper, which root may set as it likes.
      memory: { guestBytes: pinnedBytes(config), ...(account && { limitBytes: 'infinity' }) },
      ...(account && { account: { name: account.name, uid: account.uid, gids: [account.gid] } }),
    });
    return running ? findings.map((finding) => ofItself(finding, config.name, running)) : findings;
  },
};

/** What a VM that runs has, it has taken itself. */
function ofItself(finding: Finding, name: string, { pid }: VmStatus): Finding {
  const isOwn =
    (finding.id.startsWith('vfio.claim/') && finding.what.includes(`taken by VM ${name} (`)) ||
    (finding.id.startsWith('vfio.holders/') &&
      new RegExp(`in use by [^,]*\\(process ${pid}\\)$`).test(finding.what));
  if (finding.status !== 'fail' || !isOwn) return finding;
  const { fix: _, ...rest } = finding;
  return { ...rest, status: 'ok', what: `${finding.device} is with ${name}, which runs` };
}

function iommu({ sysroot, config }: Given): Finding {
  const id = 'vfio.iommu';
  const groups = listGroups({ sysroot }).length;
  const evidence = `/sys/kernel/iommu_groups: ${groups}`;
  if (groups > 0) return { id, status: 'ok', what: 'the IOMMU is on', evidence };
  if (config) return { id, status: 'ok', what: 'no IOMMU is needed: the VM has no device', evidence };
  return {
    id,
    status: 'warn',
    what: 'the IOMMU is off, or there is none: no VM can own a device',
    evidence,
    fix: 'switch it on in the firmware (VT-d, AMD-Vi, SMMU); on Intel add intel_iommu=on to the kernel command line',
  };
}
