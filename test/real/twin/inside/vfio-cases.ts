import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type InterruptEvent, VfioDevice } from '../../../../src/vfio/device/index.js';
import { Edu, fromEdu, MEMORY_AND_MASTER, setCommand, toEdu } from './edu.js';
import { msix } from './msix.js';
import { E1000E, EDU, open, openSpace, refusal, SHARED, takeOver, using, withEdu } from './opening.js';

const IOVA = 0x100000n;
export const MEMLOCK = 'memlock';

export const vfioCases: Record<string, () => unknown> = {
  bind: () => [EDU, E1000E, SHARED].map((name) => takeOver(name)),
  registers,
  accesses,
  configuration,
  msi,
  levelInterrupt,
  msix,
  dma,
  fault,
  oneWayMemory,
  sharedSpace,
  resets,
  decodingOff,
  secondOpener,
  notViable,
  memlock,
  endsWhole,
  forgotten,
  wayOfIommufd,
  commandLine,
};

function registers() {
  return withEdu((device) => {
    const bar = device.region('bar0');
    const id = bar.read(Edu.ID, 4);
    bar.write(Edu.LIVENESS, 4, 0x12345678);
    const liveness = bar.read(Edu.LIVENESS, 4);
    bar.write(Edu.FACTORIAL, 4, 10);
    while ((bar.read(Edu.STATUS, 4) & 1) !== 0);
    return {
      via: device.space.via,
      info: device.info,
      regions: device.regions.filter(({ sizeBytes }) => sizeBytes > 0n),
      interrupts: device.interrupts.filter(({ count }) => count > 0),
      iommu: device.space.iommu,
      id,
      liveness,
      factorial: bar.read(Edu.FACTORIAL, 4),
      isMapped: readFileSync('/proc/self/maps', 'utf8').includes('vfio'),
    };
  });
}

/** The same registers by a mapping, its buffer and many bytes at once. */
function accesses() {
  return withEdu((device) => {
    const mapping = device.region('bar0').map({ sizeBytes: 0x1000 });
    const words = new Uint32Array(mapping.buffer, 0, 2);
    words[1] = 0xff00ff00;
    return {
      mapping: mapping.read(0, 4),
      bytes: Buffer.from(device.region('bar0').readBytes(0, 8)).toString('hex'),
      buffer: [words[0], words[1]],
      outside: refusal(() => mapping.read(0x1000, 4)),
      unaligned: refusal(() => mapping.read(2, 4)),
      large: refusal(() => mapping.write(0, 1, 256)),
    };
  });
}

/** Configuration space cannot be mapped. */
function configuration() {
  return withEdu((device) => {
    const config = device.region('config');
    return {
      wide: config.read(0, 4),
      narrow: [config.read(0, 2), config.read(2, 2), config.read(0, 1), config.read(1, 1)],
      wider: config.read(0, 8),
      bytes: Buffer.from(config.readBytes(0, 64)).toString('hex'),
      map: refusal(() => config.map()),
      end: refusal(() => config.read(device.region('config').sizeBytes, 1)),
    };
  });
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T | 'none'> {
  return Promise.race([promise, setTimeout(ms, 'none' as const)]);
}

function msi() {
  return withEdu(async (device) => {
    setCommand(device, MEMORY_AND_MASTER);
    const bar = device.region('bar0');
    const heard: InterruptEvent[] = [];
    const msi = device.enableInterrupt('msi', { onInterrupt: (event) => heard.push(event) });
    bar.write(Edu.RAISE, 4, 0x55);
    await until(() => heard.length > 0);
    const status = bar.read(Edu.INTERRUPT_STATUS, 4);
    bar.write(Edu.ACKNOWLEDGE, 4, status);
    const afterwards = bar.read(Edu.INTERRUPT_STATUS, 4);
    msi.trigger();
    await until(() => heard.length > 1);
    const mask = refusal(() => msi.mask());
    const twice = refusal(() => device.enableInterrupt('msi'));
    msi.dispose();
    bar.write(Edu.RAISE, 4, 0x55);
    await setTimeout(300);
    bar.write(Edu.ACKNOWLEDGE, 4, 0x55);
    return { heard, status, afterwards, mask, twice, closed: refusal(() => msi.trigger()) };
  });
}

/** INTx: held at its level until edu is told, and masked by the kernel until we say. */
function levelInterrupt() {
  return withEdu(async (device) => {
    setCommand(device, MEMORY_AND_MASTER);
    const bar = device.region('bar0');
    const intx = device.enableInterrupt('intx');
    const next = () => intx.next(5_000);
    const silence = async () => (await intx.next(300)) ?? 'none';
    bar.write(Edu.RAISE, 4, 1);
    const first = await next();
    const whileMasked = await silence();
    intx.unmask();
    const stillHigh = await next();
    bar.write(Edu.ACKNOWLEDGE, 4, 1);
    intx.unmask();
    const afterAcknowledge = await silence();
    intx.mask();
    bar.write(Edu.RAISE, 4, 1);
    const masked = await silence();
    intx.unmask();
    const unmasked = await next();
    bar.write(Edu.ACKNOWLEDGE, 4, 1);
    const seen: InterruptEvent[] = [];
    const loop = (async () => {
      for await (const event of intx) seen.push(event);
      return 'ended';
    })();
    intx.dispose();
    return {
      info: intx.info,
      first,
      whileMasked,
      stillHigh,
      afterAcknowledge,
      masked,
      unmasked,
      loop: await within(5_000, loop),
    };
  });
}

async function until(isTrue: () => boolean): Promise<void> {
  const end = performance.now() + 20_000;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error('it did not come');
    await setTimeout(5);
  }
}

const PATTERN = Uint8Array.from({ length: 256 }, (_, at) => (at * 7 + 3) & 0xff);

function dma() {
  return withEdu(async (device) => {
    setCommand(device, MEMORY_AND_MASTER);
    const memory = device.allocate({ sizeBytes: 0x2000, iova: IOVA });
    memory.writeBytes(0, PATTERN);
    await toEdu(device, memory, 256);
    await fromEdu(device, IOVA + 0x1000n, 256);
    const back = new Uint8Array(memory.buffer, 0x1000, 256);
    return {
      equal: Buffer.from(back).equals(PATTERN),
      next: memory.read(0x1100, 8),
      overlapping: refusal(() => device.allocate({ sizeBytes: 0x1000, iova: IOVA })),
      odd: refusal(() => device.allocate({ sizeBytes: 0x1800, iova: IOVA + 0x10000n })),
      reserved: refusal(() => device.allocate({ sizeBytes: 0x1000, iova: 0xfee00000n })),
    };
  });
}

/** What the IOMMU said of edu. */
function faults(): string[] {
  return spawnSync('dmesg', [], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter((line) => /DMAR: \[DMA.*00:10\.0/.test(line));
}

function fault() {
  return withEdu(async (device) => {
    setCommand(device, MEMORY_AND_MASTER);
    const memory = device.allocate({ sizeBytes: 0x1000, iova: IOVA });
    memory.writeBytes(0, PATTERN);
    await toEdu(device, memory, 256);
    const before = faults().length;
    memory.dispose();
    await fromEdu(device, IOVA, 256);
    await setTimeout(200);
    return { before, after: faults().slice(before), use: refusal(() => memory.read(0, 4)) };
  });
}

/** Memory that devices may read only. */
function oneWayMemory() {
  return withEdu(async (device) => {
    setCommand(device, MEMORY_AND_MASTER);
    const source = device.allocate({ sizeBytes: 0x1000, iova: IOVA + 0x40000n, access: 'read' });
    const target = device.allocate({ sizeBytes: 0x1000, iova: IOVA + 0x50000n, access: 'write' });
    source.writeBytes(0, PATTERN);
    await toEdu(device, source, 128);
    await fromEdu(device, target.iova, 128);
    await fromEdu(device, source.iova + 0x800n, 128);
    return {
      arrived: Buffer.from(target.readBytes(0, 128)).equals(PATTERN.subarray(0, 128)),
      refused: source.readBytes(0x800, 128).every((byte) => byte === 0),
    };
  });
}

/** Two devices, one address space; it outlives the first. */
async function sharedSpace() {
  const space = openSpace();
  try {
    const early = refusal(() => space.allocate({ sizeBytes: 0x1000, iova: IOVA }));
    const edu = open(EDU, { space });
    const e1000e = open(E1000E, { space });
    setCommand(edu, MEMORY_AND_MASTER);
    const memory = e1000e.allocate({ sizeBytes: 0x1000, iova: IOVA });
    memory.writeBytes(0, PATTERN);
    await toEdu(edu, memory, 256);
    await fromEdu(edu, IOVA + 0x800n, 256);
    const equal = Buffer.from(memory.readBytes(0x800, 256)).equals(PATTERN);
    e1000e.dispose();
    memory.write(0, 4, 7);
    await toEdu(edu, memory, 256);
    await fromEdu(edu, IOVA + 0x400n, 256);
    const still = memory.read(0x400, 4);
    space.dispose();
    return { early, equal, still, closed: refusal(() => edu.region('bar0')), memory: memory.isDisposed };
  } finally {
    space.dispose();
  }
}

function resets() {
  return {
    e1000e: using(open(E1000E), (device) => {
      const seen = () => [device.region('config').read(0, 4), device.region('bar0').read(0x8, 4)];
      const before = seen();
      device.reset();
      return { canReset: device.info.canReset, before, afterwards: seen() };
    }),
    edu: withEdu((device) => ({ canReset: device.info.canReset, refused: refusal(() => device.reset()) })),
  };
}

/** A mapping whose device does not answer any more ends nothing but the access. */
function decodingOff() {
  return withEdu((device) => {
    const bar = device.region('bar0');
    const mapping = bar.map({ sizeBytes: 0x1000 });
    const before = mapping.read(0, 4);
    setCommand(device, 0);
    const read = refusal(() => mapping.read(0, 4));
    const write = refusal(() => mapping.write(4, 4, 1));
    const bytes = refusal(() => mapping.readBytes(0, 64));
    setCommand(device, MEMORY_AND_MASTER);
    return { before, read, write, bytes, afterwards: mapping.read(0, 4) };
  });
}

function secondOpener() {
  return withEdu(() => refusal(() => open(EDU).dispose()));
}

function notViable() {
  return refusal(() => open(SHARED).dispose());
}

/** Root without the capability that lifts the limit, in a process of its own. */
function memlock() {
  const limited = 'ulimit -l 64 && exec "$0" "$@"';
  const child = spawnSync(
    'setpriv',
    ['--bounding-set=-ipc_lock', 'sh', '-c', limited, process.execPath, process.argv[1]!, MEMLOCK],
    { encoding: 'utf8' },
  );
  return { status: child.status, stderr: child.stderr, ...(JSON.parse(child.stdout || '{}') as object) };
}

export function tryToMapTooMuch() {
  return withEdu((device) => ({
    small: refusal(() => device.allocate({ sizeBytes: 0x4000, iova: IOVA }).dispose()) ?? null,
    large: refusal(() => device.allocate({ sizeBytes: 0x100000, iova: IOVA })),
    again: refusal(() => device.allocate({ sizeBytes: 0x4000, iova: IOVA }).dispose()) ?? null,
  }));
}

const HELD = /vfio|gpuvm-dma|\/dev\/iommu/;

/** What this process has open and mapped of VFIO. */
function held(): string[] {
  const open = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
  const maps = readFileSync('/proc/self/maps', 'utf8').split('\n');
  return [...open.filter((path) => HELD.test(path)), ...maps.filter((line) => HELD.test(line))];
}

function endsWhole() {
  const before = held();
  const device = open(EDU);
  const mapping = device.region('bar0').map();
  const { buffer } = mapping;
  const moved = device.region('bar0').map({ sizeBytes: 0x1000 });
  const taken = structuredClone(moved.buffer, { transfer: [moved.buffer] });
  const memory = device.allocate({ sizeBytes: 0x10000, iova: IOVA });
  const seen = new Uint8Array(memory.buffer);
  device.enableInterrupt('msi');
  const region = device.region('bar0');
  region.read(0, 4);
  const meanwhile = held();
  device.dispose();
  device.dispose();
  const after = held();
  const again = refusal(() => open(EDU).dispose()) ?? null;
  const uses = {
    region: () => device.region('bar0'),
    read: () => region.read(0, 4),
    mapping: () => mapping.read(0, 4),
    buffer: () => mapping.buffer,
    memory: () => memory.write(0, 4, 1),
    allocate: () => device.allocate({ sizeBytes: 0x1000, iova: IOVA }),
    interrupt: () => device.enableInterrupt('msi'),
    reset: () => device.reset(),
  };
  return {
    before,
    meanwhile: meanwhile.length,
    after,
    again,
    buffers: [buffer.byteLength, seen.byteLength],
    taken: new Uint32Array(taken)[0],
    uses: Object.fromEntries(
      Object.entries(uses).map(([name, use]) => [name, refusal(use)?.code ?? 'works']),
    ),
  };
}

/** Nobody points at it any more: warned of, and closed. */
async function forgotten() {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const warnings: string[] = [];
  const listen = (warning: Error & { code?: string }) => warnings.push(`${warning.code}: ${warning.message}`);
  process.on('warning', listen);
  (() => {
    const device = open(EDU);
    device.region('bar0').map({ sizeBytes: 0x1000 }).read(0, 4);
    device.region('bar0').read(0, 4);
    device.allocate({ sizeBytes: 0x1000, iova: IOVA }).write(0, 4, 1);
  })();
  for (let round = 0; round < 40 && warnings.length === 0; round++) {
    collect();
    await setTimeout(25);
  }
  process.off('warning', listen);
  return { warnings, held: held(), again: refusal(() => open(EDU).dispose()) ?? null };
}

function wayOfIommufd() {
  return refusal(() => VfioDevice.open(EDU, { via: 'iommufd' }).dispose());
}

function commandLine() {
  const run = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync('gpuvm', ['devices', 'regions', ...args], {
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };
  return {
    table: run(EDU),
    dump: run(EDU, '--dump', '0', '8'),
    config: run(EDU, '--region', 'config', '--dump', '0', '0x6'),
    json: run(EDU, '--json'),
    beyond: run(EDU, '--dump', '0x100000', '4'),
    unbound: run('0000:00:00.0'),
    absent: run('0000:00:1e.7'),
  };
}
