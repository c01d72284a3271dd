import { existsSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from '../../finding.js';
import { type Account, accountOf, nameOf, type VfioHost } from '../host.js';
import { names, readText } from '../read.js';

const GROUPS = '/sys/kernel/iommu_groups';
const CONTAINER = '/dev/vfio/vfio';
/** There as soon as VFIO is loaded (Linux 6.1). */
const DEVICE_CLASS = '/sys/class/vfio-dev';
const GIB = 1024 ** 3;

export function checkIommu(sysroot: string): Finding {
  const groups = names(join(sysroot, GROUPS)).length;
  const units = names(join(sysroot, '/sys/class/iommu'));
  const evidence = `${GROUPS}: ${groups}; /sys/class/iommu: ${units.join(', ') || 'none'}`;
  if (groups > 0) return { id: 'vfio.iommu', status: 'ok', what: 'the IOMMU is on', evidence };
  return {
    id: 'vfio.iommu',
    status: 'fail',
    what: units.length
      ? 'the IOMMU is there, but no device is behind it'
      : 'the IOMMU is off, or there is none',
    evidence,
    fix: 'on Intel add intel_iommu=on to the kernel command line; on AMD and Arm servers switch it on in the firmware; on Tegra check CONFIG_ARM_SMMU and that iommu.passthrough and arm-smmu.disable_bypass are as wanted',
  };
}

/** Whether the account may open /dev/vfio/vfio, which every user of VFIO opens first. */
export function checkContainer(account: Account, sysroot: string): Finding {
  const about = { id: 'vfio.container' };
  const stats = statOf(join(sysroot, CONTAINER));
  if (!stats && existsSync(join(sysroot, DEVICE_CLASS)))
    return {
      ...about,
      status: 'fail',
      what: "this kernel's VFIO has no groups, and QEMU is given its devices by their groups",
      evidence: `${DEVICE_CLASS} is there, and ${CONTAINER} is not`,
      fix: 'take a kernel with CONFIG_VFIO_GROUP and CONFIG_VFIO_CONTAINER',
    };
  if (!stats)
    return {
      ...about,
      status: 'fail',
      what: 'VFIO is not loaded',
      evidence: `${CONTAINER} is not there`,
      fix: 'modprobe vfio; at every boot: echo vfio > /etc/modules-load.d/gpuvm.conf',
    };
  if (mayOpen(account, stats))
    return {
      ...about,
      status: 'ok',
      what: `${nameOf(account)} may use VFIO`,
      evidence: `${CONTAINER}: ${say(stats)}`,
    };
  return {
    ...about,
    status: 'fail',
    what: `${nameOf(account)} may not open ${CONTAINER}`,
    evidence: `${CONTAINER}: ${say(stats)}`,
    fix: `chmod 0666 ${CONTAINER} (it is the kernel's own default, and gives no device to anybody)`,
  };
}

/** Whether the account may open the group, or will be let when it is bound: one of QEMU's own is, by root. */
export function checkGroupNode(group: string, host: VfioHost): Finding {
  const { sysroot = '/' } = host;
  const account = accountOf(host);
  const isGiven = host.account !== undefined;
  const node = `/dev/vfio/${group}`;
  const stats = statOf(join(sysroot, node));
  const about = { id: `vfio.node/${group}` };
  if (stats && mayOpen(account, stats))
    return {
      ...about,
      status: 'ok',
      what: `${nameOf(account)} may open ${node}`,
      evidence: `${node}: ${say(stats)}`,
    };
  if (stats && !isGiven)
    return {
      ...about,
      status: 'fail',
      what: `${nameOf(account)} may not open ${node}`,
      evidence: `${node}: ${say(stats)}`,
      fix: `run gpuvm as root, or: chown ${account.uid} ${node}`,
    };
  return {
    ...about,
    status: 'ok',
    what: stats
      ? `${node} is given to ${nameOf(account)} for as long as the VM runs`
      : account.uid === 0 || !isGiven
        ? `the kernel makes ${node} when the group is bound`
        : `the kernel makes ${node} when the group is bound, and it is given to ${nameOf(account)} then`,
    evidence: stats ? `${node}: ${say(stats)}` : `${node} is not there yet`,
  };
}

/** Whether the guest's memory may be pinned. Undefined where nothing was said about it. */
export function checkMemlock(host: VfioHost, sysroot: string): Finding | undefined {
  const { memory } = host;
  if (!memory) return undefined;
  const account = accountOf(host);
  const id = 'vfio.memlock';
  const { guestBytes } = memory;
  const limit = memory.limitBytes ?? ownLimit(sysroot);
  const source = memory.limitBytes === undefined ? '/proc/self/limits' : "the unit's LimitMEMLOCK";
  if (limit === undefined) {
    return {
      id,
      status: 'warn',
      what: 'the limit of locked memory is not known',
      evidence: `${source} cannot be read`,
    };
  }
  const evidence = `${source}: ${limit === 'infinity' ? limit : gib(limit)}; guest memory: ${gib(guestBytes)}`;
  if (limit === 'infinity' || limit >= guestBytes)
    return { id, status: 'ok', what: "the guest's memory may be pinned", evidence };
  if (account.uid === 0 && memory.limitBytes === undefined && mayIgnoreLimit(sysroot))
    return { id, status: 'ok', what: 'root may pin more than its limit', evidence };
  return {
    id,
    status: 'fail',
    what: `VFIO pins the guest's ${gib(guestBytes)}, and the limit of locked memory is ${gib(limit as bigint)}`,
    evidence,
    fix: 'LimitMEMLOCK=infinity in the unit, or: ulimit -l unlimited',
  };
}

export function mayOpen({ uid, gids }: Account, { uid: owner, gid, mode }: Stats): boolean {
  if (uid === 0) return true;
  const shift = uid === owner ? 6 : gids.includes(gid) ? 3 : 0;
  return ((mode >> shift) & 0o6) === 0o6;
}

export function statOf(path: string): Stats | undefined {
  return existsSync(path) ? statSync(path) : undefined;
}

function say({ uid, gid, mode }: Stats): string {
  return `0${(mode & 0o7777).toString(8)}, owner ${uid}, group ${gid}`;
}

function gib(bytes: bigint): string {
  const value = Number(bytes) / GIB;
  return value >= 1 ? `${Number(value.toFixed(2))} GiB` : `${Number((value * 1024).toFixed(1))} MiB`;
}

function ownLimit(sysroot: string): bigint | 'infinity' | undefined {
  const line = /^Max locked memory\s+(\S+)/m.exec(readText(join(sysroot, '/proc/self/limits')) ?? '')?.[1];
  if (line === undefined) return undefined;
  return line === 'unlimited' ? 'infinity' : BigInt(line);
}

const CAP_IPC_LOCK = 14n;

/** With CAP_IPC_LOCK the kernel does not look at the limit. */
function mayIgnoreLimit(sysroot: string): boolean {
  const capabilities = /^CapEff:\s+([0-9a-f]+)/m.exec(
    readText(join(sysroot, '/proc/self/status')) ?? '',
  )?.[1];
  return capabilities !== undefined && ((BigInt(`0x${capabilities}`) >> CAP_IPC_LOCK) & 1n) === 1n;
}
