import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseVmFile } from '../../src/config/index.js';
import { type BusDevice, examinePlatformBus, layoutPlatformBus, stockVirt } from '../../src/qemu/index.js';
import { QmpClient } from '../../src/qmp/index.js';
import { makePlan } from '../../src/vm/plan/index.js';
import { hasProgram } from './programs.js';

/**
 * What a stock QEMU takes onto the platform bus without hardware: tpm-tis-device (7.2 and later) and any number of
 * arm-smmuv3, each on a PCI bus of its own (10.2 and later). vfio-platform itself needs a device bound to VFIO, and
 * mmio-base a patched QEMU: neither can be had here.
 */
const newer = join(
  process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
  'gpuvm/qemu/bin/qemu-system-aarch64',
);
const folder = mkdtempSync(join(tmpdir(), 'gpuvm-bus-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tpmChip = join(folder, 'tpm');
// QEMU asks whether it is a TPM 2.0 by its reply's tag, which is the request's own: a FIFO that gives back what was
// written to it will do.
execFileSync('mkfifo', [tpmChip]);

interface Real {
  readonly device: BusDevice;
  readonly args: (id: string) => string[];
}

const tpm = (regions: bigint[]): Real => ({
  device: { host: 'tpm', regions, interrupts: 1 },
  args: (id) => [
    ...['-tpmdev', `passthrough,id=chip,path=${tpmChip},cancel-path=/dev/null`],
    ...['-device', `tpm-tis-device,tpmdev=chip,id=${id}`],
  ],
});

let buses = 0;
const smmu = (): Real => ({
  device: { host: 'smmu', regions: [0x2_0000n], interrupts: 4 },
  args: (id) => {
    const number = ++buses;
    return [
      ...['-device', `pxb-pcie,id=bus${number},bus_nr=${(number * 8) % 248},bus=pcie.0`],
      ...['-device', `arm-smmuv3,primary-bus=bus${number},id=${id}`],
    ];
  },
});

function commandLine(list: readonly Real[]): string[] {
  buses = 0;
  const machine = ['-M', 'virt', '-cpu', 'cortex-a57', '-nodefaults', '-display', 'none', '-S'];
  return [...machine, ...list.flatMap(({ args }, index) => args(`d${index}`))];
}

/** Where a running QEMU has the devices, as it says itself. */
async function askRunning(binary: string, list: readonly Real[]) {
  const path = join(folder, 'qmp');
  rmSync(path, { force: true });
  const qemu = spawn(binary, [...commandLine(list), '-qmp', `unix:${path},server=on,wait=off`], {
    stdio: 'ignore',
  });
  const exited = new Promise((resolve) => qemu.once('exit', resolve));
  try {
    const client = await QmpClient.connect({ path });
    const get = (at: string, property: string) => client.execute('qom-get', { path: at, property });
    const placed = [];
    for (const [index] of list.entries()) {
      const at = `/machine/peripheral/d${index}`;
      const properties = await client.execute('qom-list', { path: at });
      const regions = [];
      for (const { name, type } of properties) {
        if (!/^(arm-smmuv3|tpm-(tis-mmio|ppi))\[/.test(name) || type !== 'child<memory-region>') continue;
        const address = BigInt((await get(`${at}/${name}`, 'addr')) as number);
        const size = BigInt((await get(`${at}/${name}`, 'size')) as number);
        regions.push({ address: stockVirt.base + address, size });
      }
      const lines = properties.filter(({ name }) => name.startsWith('sysbus-irq[')).map(({ name }) => name);
      const spis = [];
      for (let line = 0; line < lines.length; line++) {
        const wire = String(await get(at, `sysbus-irq[${line}]`));
        spis.push(Number(/unnamed-gpio-in\[(\d+)\]$/.exec(wire)?.[1]));
      }
      placed.push({ regions: regions.toSorted((a, b) => Number(b.size - a.size)), spis });
    }
    const map = String(await client.execute('human-monitor-command', { 'command-line': 'info mtree' }));
    await client.execute('quit');
    await exited;
    return { placed, map };
  } finally {
    qemu.kill('SIGKILL');
  }
}

const bus = { ...stockVirt, ramSize: 128n << 20n, pageSize: 1n };

async function holds(binary: string, list: readonly Real[]) {
  const predicted = layoutPlatformBus(
    list.map(({ device }, index) => ({ ...device, host: `${device.host}${index}` })),
    bus,
  );
  const { placed, map } = await askRunning(binary, list);
  expect(placed).toEqual(predicted.map(({ regions, spis }) => ({ regions, spis })));
  // And the bus is where we say it is.
  const last = stockVirt.base + stockVirt.size - 1n;
  const hex = (value: bigint) => value.toString(16).padStart(16, '0');
  expect(map).toContain(`${hex(stockVirt.base)}-${hex(last)} (prio 0, i/o): platform bus`);
  for (const { regions } of predicted) {
    for (const { address, size } of regions)
      expect(map).toContain(`${hex(address)}-${hex(address + size - 1n)}`);
  }
}

/** One range in our map, several in QEMU's. */
const IN_PARTS = /flash|GIC|fw_cfg|virtio-mmio/;

async function mapHolds(binary: string) {
  const text = 'name: vm\nmachine: virt\nmemory: 128M\n';
  const config = parseVmFile(text, { file: join(folder, 'vm.yaml') });
  const { memoryMap } = await makePlan(config, { sysroot: folder });
  const { map } = await askRunning(binary, []);
  const hex = (value: bigint) => value.toString(16).padStart(16, '0');
  const whole = memoryMap.filter(({ name }) => !IN_PARTS.test(name));
  expect(whole.map(({ name }) => name)).toContain('PCI memory (64 bits)');
  for (const { name, address, size } of whole)
    expect(map, name).toContain(`${hex(address)}-${hex(address + size - 1n)}`);
}

function fails(binary: string, list: readonly Real[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(binary, commandLine(list), { timeout: 20_000 }, (_error, _stdout, stderr) => resolve(stderr));
  });
}

describe.skipIf(!hasProgram('qemu-system-aarch64'))("the platform bus of the distribution's QEMU", () => {
  it('has a TPM where it was predicted', async () => {
    await holds('qemu-system-aarch64', [tpm([0x5000n])]);
  });

  it('is where the memory map has it, and so is the rest of the machine', async () => {
    await mapHolds('qemu-system-aarch64');
  });
});

const hasNewer = existsSync(newer);
if (!hasNewer) console.warn(`SKIPPED: needs QEMU 11.1 at ${newer}`);

describe.skipIf(!hasNewer)('the platform bus of QEMU 11.1', () => {
  // Its TPM has a second region: 1 KiB for the firmware, which goes right behind the first.
  const tpm11 = () => tpm([0x5000n, 0x400n]);
  const lists: [string, () => Real[]][] = [
    ['a TPM', () => [tpm11()]],
    ['an SMMU, then a TPM', () => [smmu(), tpm11()]],
    ['a TPM, then SMMUs', () => [tpm11(), smmu(), smmu()]],
    ['a TPM between SMMUs', () => [smmu(), tpm11(), smmu(), smmu()]],
    ['all of its interrupts', () => Array.from({ length: 16 }, smmu)],
  ];
  it.each(lists)('has %s where they were predicted', async (_name, list) => {
    await holds(newer, list());
  });

  it('is where the memory map has it, and so is the rest of the machine', async () => {
    await mapHolds(newer);
  });

  it('does not start where there are too many interrupts', async () => {
    const list = [...Array.from({ length: 16 }, smmu), tpm11()];
    expect(await fails(newer, list)).toContain('Platform Bus: Can not fit IRQ line');
    const { problems } = examinePlatformBus(
      list.map(({ device }, index) => ({ ...device, host: `d${index}` })),
      bus,
    );
    expect(problems).toEqual([expect.objectContaining({ device: 16, key: 'interrupts', status: 'fail' })]);
  });
});
