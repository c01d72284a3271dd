import type { Stats } from 'node:fs';
import {
  type Check,
  type CheckedHost,
  type HostAccount,
  type HostNeeds,
  lacking,
  type Said,
} from './check.js';
import { isTegra, statOf } from './read.js';

const root: HostAccount = { name: 'root', uid: 0, gids: [0] };

/** A device node that a VM's own process opens. */
interface Node {
  readonly path: string;
  readonly use: string;
  readonly missing: string;
  wants(needs: HostNeeds): boolean;
}

const KVM: Node = {
  path: '/dev/kvm',
  use: 'the guest runs on the CPU itself',
  missing:
    'modprobe kvm-intel, kvm-amd or, on Arm, boot the kernel in EL2; switch virtualisation on in the firmware',
  wants: ({ kvm }) => kvm,
};
const TUN: Node = {
  path: '/dev/net/tun',
  use: 'tap interfaces are opened there',
  missing: 'modprobe tun; at every boot: echo tun > /etc/modules-load.d/gpuvm-tun.conf',
  wants: ({ tap }) => tap,
};
const VHOST: Node = {
  path: '/dev/vhost-net',
  use: "the kernel moves a network's packets",
  missing: 'modprobe vhost_net, or vhost: false with the network in the VM file',
  wants: ({ vhostNet }) => vhostNet,
};

export const kvmNode: Check<CheckedHost> = { id: 'dev.kvm', run: (host) => judge(KVM, host) };
export const tunNode: Check<CheckedHost> = {
  id: 'dev.tun',
  // Only a VM with a tap interface has to do with it.
  run: (host) => (host.needs ? judge(TUN, host) : []),
};
export const vhostNode: Check<CheckedHost> = {
  id: 'dev.vhost-net',
  run: (host) => (host.needs ? judge(VHOST, host) : []),
};

function judge({ path, use, missing, wants }: Node, { sysroot, needs }: CheckedHost): Said[] {
  if (needs && !wants(needs))
    return [{ status: 'ok', what: `${path} is not needed`, evidence: 'the VM file' }];
  const stats = statOf(sysroot, path);
  if (!stats)
    return [
      {
        status: lacking(needs),
        what: `there is no ${path}: ${use}`,
        evidence: `${path} is not there`,
        fix: missing,
      },
    ];
  const account = needs?.account ?? self();
  if (mayOpen(account, stats))
    return [
      { status: 'ok', what: `${nameOf(account)} may open ${path}`, evidence: `${path}: ${say(stats)}` },
    ];
  return [
    {
      status: lacking(needs),
      what: `${nameOf(account)} may not open ${path}: ${use}`,
      evidence: `${path}: ${say(stats)}`,
      fix: mendRights(path, stats, account),
    },
  ];
}

const BPMP = '/dev/bpmp-host';

/** The host's BPMP device: there for gpuvm, and out of QEMU's reach. */
export const bpmpNode: Check<CheckedHost> = {
  id: 'dev.bpmp-host',
  run({ sysroot, needs }) {
    const path = needs?.bpmpDevice ?? BPMP;
    if (needs ? needs.bpmpDevice === undefined : !isTegra(sysroot)) return [];
    const stats = statOf(sysroot, path);
    if (!stats)
      return [
        {
          status: lacking(needs),
          what: `there is no ${path}: the guest's requests could not reach the power firmware`,
          evidence: `${path} is not there`,
          fix: "boot a kernel with CONFIG_TEGRA_BPMP_HOST_PROXY=y, and a host's tree with a node compatible with nvidia,bpmp-host-proxy",
        },
      ];
    const evidence = `${path}: ${say(stats)}`;
    // A test's tree has files in its place.
    if (sysroot === '/' && !stats.isCharacterDevice())
      return [
        {
          status: lacking(needs),
          what: `${path} is no device`,
          evidence: `${evidence}, ${stats.isFile() ? 'a plain file' : 'something else'}`,
          fix: `rm ${path}, then load the BPMP host proxy: the kernel makes it`,
        },
      ];
    const own = self();
    if (!mayOpen(own, stats))
      return [
        {
          status: lacking(needs),
          what: `${own.name}, who runs gpuvm, may not open ${path}`,
          evidence,
          fix: `run gpuvm as root, or: ${mendRights(path, stats, own)}`,
        },
      ];
    const account = needs?.account;
    if (account && mayOpen(account, stats))
      return [
        {
          status: 'fail',
          what: `${account.name}, who QEMU runs as, can open ${path} himself, past the policy`,
          evidence,
          fix: `chown root:root ${path} && chmod 0600 ${path}; for good, a udev rule: KERNEL=="bpmp-host", OWNER="root", GROUP="root", MODE="0600"`,
        },
      ];
    if (needs && !account)
      return [
        {
          status: 'warn',
          what: `QEMU would run as ${own.name}, who may open ${path} past the policy; its path is only hidden from QEMU`,
          evidence,
          fix: 'set qemu.user in the VM file to an account that may not open it',
        },
      ];
    if ((stats.mode & 0o006) !== 0)
      return [
        {
          status: 'warn',
          what: `everybody on this host may open ${path}, and so switch the host's own clocks`,
          evidence,
          fix: `chmod 0600 ${path}`,
        },
      ];
    const out = account ? `, and out of the reach of ${account.name}` : '';
    return [{ status: 'ok', what: `${path} is there${out}`, evidence }];
  },
};

export function mayOpen({ uid, gids }: HostAccount, { uid: owner, gid, mode }: Stats): boolean {
  if (uid === 0) return true;
  const shift = uid === owner ? 6 : gids.includes(gid) ? 3 : 0;
  return ((mode >> shift) & 0o6) === 0o6;
}

function self(): HostAccount {
  const uid = process.geteuid?.() ?? 0;
  const gids = [process.getegid?.() ?? 0, ...(process.getgroups?.() ?? [])];
  return uid === 0 ? root : { name: `user ${uid}`, uid, gids };
}

/** An account as sentences have it: some are called "nobody". */
function nameOf({ name, uid }: HostAccount): string {
  return uid === 0 || name.startsWith('user ') ? name : `the account ${name}`;
}

/** A group that has the node already is the way in that the distribution means. */
function mendRights(path: string, { gid, mode }: Stats, { name }: HostAccount): string {
  const who = /^user /.test(name) ? '"$USER"' : name;
  if (gid !== 0 && ((mode >> 3) & 0o6) === 0o6)
    return `usermod -aG "$(stat -c %G ${path})" ${who}, then log in again`;
  return `setfacl -m u:${who}:rw ${path}; for good, a udev rule`;
}

function say({ uid, gid, mode }: Stats): string {
  return `0${(mode & 0o7777).toString(8)}, owner ${uid}, group ${gid}`;
}
