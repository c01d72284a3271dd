import { type Check, type CheckedHost, lacking } from './check.js';
import { isThere, names, text } from './read.js';

const MEMINFO = 'proc/meminfo';
/** What QEMU itself takes besides the guest's RAM, and the host must keep. */
const OWN_BYTES = 256n << 20n;

/** Whether the guest's RAM is to be had now. */
export const freeMemory: Check<CheckedHost> = {
  id: 'memory.free',
  run({ sysroot, needs }) {
    const available = meminfo(sysroot, 'MemAvailable');
    const evidence = `/${MEMINFO}: MemAvailable ${available === undefined ? 'not there' : size(available)}`;
    if (!needs)
      return available === undefined
        ? []
        : [{ status: 'ok', what: `${size(available)} of memory are available`, evidence }];
    // Huge pages are taken from the host already.
    if (needs.hugepages || needs.guestBytes === 0n) return [];
    if (available === undefined)
      return [{ status: 'warn', what: 'how much memory is available is not known', evidence }];
    const wanted = needs.guestBytes + OWN_BYTES;
    const pins = needs.platformDevices || needs.pciDevices;
    const about = `the guest has ${size(needs.guestBytes)}${pins ? ', which VFIO pins' : ''}`;
    if (available >= wanted)
      return [{ status: 'ok', what: `${size(available)} of memory are available; ${about}`, evidence }];
    const total = meminfo(sysroot, 'MemTotal') ?? 0n;
    return [
      {
        // What is pinned is taken at the start; otherwise as the guest touches it.
        status: pins || total < needs.guestBytes ? 'fail' : 'warn',
        what: `${size(available)} of memory are available, and ${about}`,
        evidence: `${evidence}, MemTotal ${size(total)}`,
        fix: `lower memory in the VM file, or end what takes the host's memory (ps aux --sort=-rss | head)`,
      },
    ];
  },
};

const POOLS = 'sys/kernel/mm/hugepages';

/** Whether there are as many huge pages as the guest's RAM takes. */
export const hugepages: Check<CheckedHost> = {
  id: 'memory.hugepages',
  run({ sysroot, needs }) {
    if (!needs?.hugepages) return [];
    const { path } = needs.hugepages;
    if (path !== undefined && !isMount(sysroot, path))
      return [
        {
          status: 'fail',
          what: `no hugetlbfs is mounted at ${path}`,
          evidence: `/proc/mounts has none for ${path}`,
          fix: `mount -t hugetlbfs hugetlbfs ${path}, or leave memoryBackend.path out`,
        },
      ];
    const pageBytes =
      needs.hugepages.sizeBytes ?? mountSize(sysroot, path) ?? meminfo(sysroot, 'Hugepagesize');
    const pages = pageBytes === undefined ? 0n : (needs.guestBytes + pageBytes - 1n) / pageBytes;
    const pool = pageBytes === undefined ? undefined : `${POOLS}/hugepages-${pageBytes / 1024n}kB`;
    if (pageBytes === undefined || pool === undefined || !isThere(sysroot, pool)) {
      const sizes = names(sysroot, POOLS).map((name) => name.replace('hugepages-', ''));
      return [
        {
          status: lacking(needs),
          what:
            pageBytes === undefined
              ? 'this kernel has no huge pages'
              : `this kernel has no huge pages of ${size(pageBytes)}`,
          evidence: `/${POOLS}: ${sizes.join(', ') || 'not there'}`,
          fix: sizes.length
            ? `set memoryBackend.hugepageSize to one of ${sizes.join(', ')}`
            : 'use a kernel with CONFIG_HUGETLBFS, or another memoryBackend',
        },
      ];
    }
    const free =
      number(text(sysroot, `${pool}/free_hugepages`)) - number(text(sysroot, `${pool}/resv_hugepages`));
    const total = number(text(sysroot, `${pool}/nr_hugepages`));
    const evidence = `/${pool}: ${free} of ${total} free`;
    const wanted = `${size(needs.guestBytes)} are ${pages} huge pages of ${size(pageBytes)}`;
    if (free >= pages) return [{ status: 'ok', what: `${wanted}, and ${free} are free`, evidence }];
    const want = total + pages - free;
    return [
      {
        status: 'fail',
        what: `${wanted}, and ${free} are free`,
        evidence,
        fix: `echo ${want} > /${pool}/nr_hugepages; large pages are best had at boot: hugepagesz=${pageBytes >> 20n}M hugepages=${want} on the kernel command line`,
      },
    ];
  },
};

/** A line of /proc/meminfo, in bytes. */
function meminfo(sysroot: string, key: string): bigint | undefined {
  const found = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text(sysroot, MEMINFO) ?? '')?.[1];
  return found === undefined ? undefined : BigInt(found) * 1024n;
}

function mountLine(sysroot: string, path: string | undefined): string[] | undefined {
  const lines = (text(sysroot, 'proc/mounts') ?? '').split('\n').map((line) => line.split(' '));
  return lines.find(([, where, kind]) => where === path?.replace(/(?<=.)\/+$/, '') && kind === 'hugetlbfs');
}

function isMount(sysroot: string, path: string): boolean {
  return mountLine(sysroot, path) !== undefined;
}

/** The page size that a mount has: `pagesize=1024M`. */
function mountSize(sysroot: string, path: string | undefined): bigint | undefined {
  const found = /\bpagesize=(\d+)([KMG])/.exec(mountLine(sysroot, path)?.[3] ?? '');
  if (!found) return undefined;
  return BigInt(found[1]!) << { K: 10n, M: 20n, G: 30n }[found[2] as 'K' | 'M' | 'G'];
}

function number(value: string | undefined): bigint {
  return /^\d+$/.test(value ?? '') ? BigInt(value!) : 0n;
}

/** 3.5 GiB, 512 MiB. */
function size(bytes: bigint): string {
  const mib = Number(bytes) / 2 ** 20;
  if (mib < 1) return `${Number(bytes) / 1024} KiB`;
  return mib >= 1024 ? `${Number((mib / 1024).toFixed(1))} GiB` : `${Number(mib.toFixed(1))} MiB`;
}
