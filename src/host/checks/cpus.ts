import type { Check, CheckedHost } from './check.js';
import { text } from './read.js';

const ONLINE = 'sys/devices/system/cpu/online';
const ISOLATED = 'sys/devices/system/cpu/isolated';

/** More of the guest's CPUs than the host has wait for one another. */
export const cpuCount: Check<CheckedHost> = {
  id: 'cpu.count',
  run({ sysroot, needs }) {
    if (needs?.vcpus === undefined) return [];
    const online = cpuList(text(sysroot, ONLINE));
    const { vcpus } = needs;
    const evidence = `/${ONLINE}: ${text(sysroot, ONLINE) ?? 'not there'}`;
    if (!online) return [{ status: 'warn', what: "the host's CPUs are not known", evidence }];
    const count = `the guest has ${vcpus} ${vcpus === 1 ? 'CPU' : 'CPUs'}, the host ${online.length}`;
    if (vcpus <= online.length) return [{ status: 'ok', what: count, evidence }];
    return [
      {
        status: 'warn',
        what: `${count}: the guest's CPUs will wait for one another`,
        evidence,
        fix: `set smp to ${online.length} or less in the VM file`,
      },
    ];
  },
};

export const cpuPinning: Check<CheckedHost> = {
  id: 'cpu.pinning',
  run({ sysroot, needs }) {
    const pinning = needs?.pinning;
    if (!pinning) return [];
    const said = text(sysroot, ONLINE);
    const online = new Set(cpuList(said));
    const lists = [
      ...pinning.vcpus.map((cpus, index) => ({ key: `cpuPinning.vcpus[${index + 1}]`, cpus })),
      ...(pinning.emulator ? [{ key: 'cpuPinning.emulator', cpus: pinning.emulator }] : []),
    ];
    const evidence = `/${ONLINE}: ${said ?? 'not there'}`;
    if (online.size === 0) return [{ status: 'warn', what: "the host's CPUs are not known", evidence }];
    const missing = lists.flatMap(({ key, cpus }) => {
      const absent = cpus.filter((cpu) => !online.has(cpu));
      if (absent.length === 0) return [];
      // The kernel takes a list of which it has some, and pins to those.
      const none = absent.length === cpus.length;
      return [
        {
          on: key,
          status: none ? ('fail' as const) : ('warn' as const),
          what: `${key} names the CPUs ${absent.join(', ')}, which this host ${none ? 'does not have, and no other' : 'does not have'}`,
          evidence,
          fix: `name CPUs of ${said} in the VM file, or bring them up: echo 1 > /sys/devices/system/cpu/cpu${absent[0]}/online`,
        },
      ];
    });
    if (missing.length > 0) return missing;
    const isolated = new Set(cpuList(text(sysroot, ISOLATED)));
    const shared = [...new Set(pinning.vcpus.flat())].filter((cpu) => !isolated.has(cpu));
    // Isolation is a choice; one that was made by halves is likely a mistake.
    if (isolated.size > 0 && shared.length > 0)
      return [
        {
          status: 'warn',
          what: `the guest's CPUs run on ${shared.join(', ')}, which the host does not keep free of other work`,
          evidence: `/${ISOLATED}: ${text(sysroot, ISOLATED)}`,
          fix: `add them to isolcpus= on the kernel command line, or pin the guest to ${text(sysroot, ISOLATED)}`,
        },
      ];
    return [{ status: 'ok', what: 'the CPUs that the guest is pinned to are there', evidence }];
  },
};

/** `0-3,8`, as the kernel writes it; undefined for what is none. */
export function cpuList(value: string | undefined): number[] | undefined {
  if (value === undefined || value.trim() === '') return undefined;
  const cpus: number[] = [];
  for (const part of value.trim().split(',')) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part);
    if (!match) return undefined;
    for (let cpu = Number(match[1]); cpu <= Number(match[2] ?? match[1]); cpu++) cpus.push(cpu);
  }
  return cpus;
}
