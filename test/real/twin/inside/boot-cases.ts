import { readdirSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { run } from './processes.js';
import { linked, text, write } from './sysfs.js';

const DEVICES = '/sys/bus/platform/devices';

const strings = (path: string) => (text(path) ?? '').split('\0').filter((one) => one !== '');

/** The machine, as its kernel sees it. */
function host() {
  return {
    arch: process.arch,
    release: release(),
    twin: process.env.GPUVM_TWIN,
    model: strings('/proc/device-tree/model'),
    compatible: strings('/proc/device-tree/compatible'),
    now: Date.now(),
    platform: readdirSync(DEVICES),
    pci: Object.fromEntries(
      readdirSync('/sys/bus/pci/devices').map((name) => {
        const folder = join('/sys/bus/pci/devices', name);
        const ids = ['vendor', 'device'].map((file) => text(join(folder, file))?.trim().slice(2));
        return [name, { ids: ids.join(':'), group: linked(join(folder, 'iommu_group')) }];
      }),
    ),
    memory: (text('/proc/iomem') ?? '').split('\n').filter((line) => /^[0-9a-f]+-[0-9a-f]+ : /.test(line)),
    modules: readdirSync(join('/lib/modules', release(), 'gpuvm')).sort(),
  };
}

interface Bound {
  /** The errno that the kernel refused it with. */
  readonly refused: string | null;
  readonly driver: string | null;
  readonly group: string | null;
  readonly members: readonly string[];
  readonly node: boolean;
}

/** Each device of the tree given to vfio-platform by hand, without gpuvm; and then all given back. */
function groups(): Record<string, Bound> {
  const names = readdirSync(DEVICES).filter(
    (name) => text(join(DEVICES, name, 'of_node/compatible')) !== null,
  );
  const ours = names.filter((name) => /dummy|gpuvm/.test(text(join(DEVICES, name, 'of_node/compatible'))!));
  const bound = Object.fromEntries(ours.map((name) => [name, bind(name)]));
  for (const name of ours) {
    write(join(DEVICES, name, 'driver/unbind'), name);
    write(join(DEVICES, name, 'driver_override'), '\n');
  }
  return bound;
}

function bind(name: string): Bound {
  const folder = join(DEVICES, name);
  write(join(folder, 'driver_override'), 'vfio-platform');
  const refused = write('/sys/bus/platform/drivers/vfio-platform/bind', name);
  const group = linked(join(folder, 'iommu_group'));
  return {
    refused,
    driver: linked(join(folder, 'driver')),
    group,
    members: group === null ? [] : readdirSync(`/sys/kernel/iommu_groups/${group}/devices`),
    node: group !== null && readdirSync('/dev/vfio').includes(group),
  };
}

/** What answers at an address; a value is written there first, where there is one. */
async function at(address: number, value?: number) {
  const place = `0x${address.toString(16)}`;
  if (value !== undefined) await run('devmem', [place, '32', `0x${value.toString(16)}`]);
  const { stdout, status, signal } = await run('devmem', [place, '32']);
  return { value: stdout.trim(), status, signal };
}

/** /dev/kvm, asked by a QEMU that starts a machine on it. */
async function kvm() {
  const machine = ['-M', 'virt,gic-version=3', '-accel', 'kvm', '-cpu', 'host', '-nodefaults', '-nographic'];
  const monitor = ['-S', '-chardev', 'pipe,id=m,path=/tmp/monitor', '-mon', 'm'];
  await run('mkfifo', ['/tmp/monitor.in', '/tmp/monitor.out']);
  const command = `(echo info kvm; echo quit) >/tmp/monitor.in & cat /tmp/monitor.out & exec qemu-system-aarch64 ${[...machine, ...monitor].join(' ')}`;
  const { status, stdout, stderr } = await run('sh', ['-c', command]);
  return { status, stdout, stderr };
}

/** gpuvm as a user of this host has it. */
async function gpuvm() {
  const version = await run('gpuvm', ['--version']);
  const devices = await run('gpuvm', ['devices', 'list', '--json']);
  return { version, devices };
}

/** The firmware behind /dev/bpmp-host, and a program that asks it, as one who debugs without a VM looks at them. */
async function firmware() {
  await run('/run/twin/busybox', ['modprobe', 'bpmp-host']);
  const before = await run('gpuvm', ['bpmp', 'clk', 'show', 'GPUSYS', '--json']);
  const asks = ['gpuvm', 'bpmp', 'send', 'clk', 'enable', 'GPUSYS'];
  const traced = await run('gpuvm', ['bpmp', 'trace', '--', ...asks]);
  const after = await run('gpuvm', ['bpmp', 'clk', 'show', 'GPUSYS', '--json']);
  await run('/run/twin/busybox', ['rmmod', 'bpmp_host']);
  return { before, traced, after };
}

/** What is written into the checkout stays in memory. */
function checkout(): string {
  const path = join(process.cwd(), 'written-in-a-twin');
  writeFileSync(path, 'inside');
  return text(path)!;
}

export const bootCases: Readonly<Record<string, () => unknown>> = {
  host,
  groups,
  registers: async () => ({
    gpu: await at(0x17000000),
    // edu answers with the inverse of what was written to its second register.
    gpuLive: await at(0x17000004, 0x12345678),
    host1x: await at(0x13e00000, 0xcafe0001),
    vic: await at(0x15340000, 0xcafe0002),
    nvdec: await at(0x15480000, 0xcafe0003),
    nvjpg: await at(0x15540000, 0xcafe0004),
    display: await at(0x13800000, 0xcafe0005),
    gpuSecond: await at(0x18000000, 0xcafe0006),
    dce: await at(0xd800000),
  }),
  kvm,
  gpuvm,
  firmware,
  checkout,
};
