import { readFileSync, writeFileSync } from 'node:fs';
import { VfioDevice } from '../../../../src/vfio/device/index.js';
import { device } from './host-device-module.js';
import { here } from './in-process.js';
import { OrinGuest } from './orin-guest.js';
import { driver, orinState, reference, withVfio } from './orin-state.js';

import { openers, Running } from './run-vm.js';
import { differences, linked } from './sysfs.js';

const EVENTS = '/run/orin-run.ndjson';

/** Host and guest are to see these at the same address. */
const carveOuts = [
  { name: '60000000.vm_hs_p', address: 0x6000_0000n, size: 0x0400_0000n },
  { name: '80000000.vm_cma_p', address: 0x8000_0000n, size: 0x3000_0000n },
  { name: '100000000.vm_cma_vram_p', address: 0x1_0000_0000n, size: 0x1_0000_0000n },
] as const;
const ends = carveOuts.flatMap(({ name, address, size }) =>
  [0n, size - 8n].map((offset) => ({ name, offset, address: address + offset })),
);

const ofHost = (address: bigint) => 0xb057_0000_0000_0000n | address;
const ofGuest = (address: bigint) => 0x9e57_0000_0000_0000n | address;
const hex = (value: bigint) => `0x${value.toString(16)}`;

/** Each end of each carve-out, through VFIO, while no VM has it. */
async function onHost<T>(use: (region: Region, end: (typeof ends)[number]) => T): Promise<Record<string, T>> {
  const all: Record<string, T> = {};
  for (const { name } of carveOuts)
    await withVfio(name, () => {
      const opened = VfioDevice.open(name);
      try {
        for (const end of ends.filter((one) => one.name === name))
          all[hex(end.address)] = use(opened.region(0), end);
      } finally {
        opened.dispose();
      }
    });
  return all;
}
type Region = ReturnType<VfioDevice['region']>;

/** The clocks and the reset that a device at work has, and what the guest knows of them. */
async function work(guest: OrinGuest) {
  const chips = (await guest.must('list /sys/class/pwm')).split('\n').filter(Boolean);
  for (const chip of chips) {
    const put = (file: string, value: string) => guest.must(`write /sys/class/pwm/${chip}/${file} ${value}`);
    await put('export', '0');
    await put('pwm0/period', '1000000');
    await put('pwm0/duty_cycle', '250000');
    await put('pwm0/enable', '1');
  }
  const bpmp = device.state();
  return { chips, bpmp, clocks: await guest.must('read /sys/kernel/debug/clk/clk_summary') };
}

/** The reference VM from nothing to its end. */
async function whole(before: Record<string, string>) {
  const plan = await here('plan', 'examples/orin-twin.yaml', '--json');
  await onHost((region, { offset, address }) => region.write(offset, 8, ofHost(address)));
  const stood = orinState();
  device.clearLog();
  const guest = await OrinGuest.boot(EVENTS);
  const taken = {
    drivers: Object.fromEntries(reference.map((name) => [name, driver(name)])),
    holders: guest.holders(),
    bpmp: device.openers(),
    supervisor: guest.supervisor,
  };
  const kvm = await guest.qmp('query-kvm');
  const read: Record<string, string> = {};
  for (const { address } of ends) read[hex(address)] = await guest.must(`peek ${hex(address)}`);
  for (const { address } of ends) await guest.must(`poke ${hex(address)} ${hex(ofGuest(address))}`);
  const working = await work(guest);
  const kernel = await guest.must('log');
  await guest.ask('poweroff');
  const ended = await guest.run.ended;
  const after = differences(stood, orinState());
  const written = await onHost((region, { offset }) => hex(region.read(offset, 8) as bigint));
  const log = device.log();
  const changed = differences(before, orinState());
  const events = readFileSync(EVENTS, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; verdict?: string; text?: string; state?: string });
  return {
    plan,
    taken,
    kvm,
    read,
    written,
    working,
    kernel,
    ended,
    after,
    changed,
    log,
    events,
    ends: addresses(),
  };
}

const addresses = () =>
  ends.map(({ address }) => ({
    address: hex(address),
    host: hex(ofHost(address)),
    guest: hex(ofGuest(address)),
  }));

export type Whole = Awaited<ReturnType<typeof whole>>;

/** SIGKILL to the supervisor, then `gpuvm recover`. */
async function killedSupervisor(before: Record<string, string>) {
  const guest = await OrinGuest.boot(EVENTS);
  const qemu = Object.values(guest.holders()).flat()[0]!.pid;
  await work(guest);
  await guest.killSupervisor(qemu);
  const left = differences(before, orinState());
  const opened = openers('/dev/vfio/vfio');
  const recovered = await here('recover', '--json');
  return { left, opened, recovered, after: differences(before, orinState()) };
}

export type KilledSupervisor = Awaited<ReturnType<typeof killedSupervisor>>;

const EDU = '0000:00:10.0';

/** A VM on the stock QEMU with a PCI device of the host's behind the SMMU. */
async function edu(before: Record<string, string>) {
  const file = '/run/edu.yaml';
  writeFileSync(
    file,
    `name: edu
qemu: { binary: qemu-system-aarch64 }
machine: virt,accel=kvm,gic-version=3
cpu: host
memory: 256M
kernel: \${cache}/guest-parts/vmlinuz
initrd: \${cache}/orin-guest/current/edu-initrd
append: console=ttyAMA0 quiet loglevel=1 panic=-1
pciDevices:
  - { host: "${EDU}" }
deadlines: { qmp: 5min }
`,
  );
  const run = new Running([file, '--verbose']);
  const holders = await run.until('QEMU has the device', () => {
    const group = linked(`/sys/bus/pci/devices/${EDU}/iommu_group`);
    const found = group === null ? [] : openers(`/dev/vfio/${group}`);
    return found.length > 0 && found;
  });
  const driver = linked(`/sys/bus/pci/devices/${EDU}/driver`);
  const ended = await run.ended;
  const after = linked(`/sys/bus/pci/devices/${EDU}/driver`);
  return { holders, driver, ended, after, changed: differences(before, orinState()) };
}

export type Edu = Awaited<ReturnType<typeof edu>>;

/** Each sees, and does not judge. */
export const orinRunCases = {
  whole,
  'killed-supervisor': killedSupervisor,
  edu,
} as const;
