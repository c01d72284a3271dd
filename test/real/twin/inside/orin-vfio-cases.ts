import { Edu, fromEdu, toEdu } from './edu.js';
import { refusal } from './opening.js';
import { isMapped, withBound } from './orin-bound.js';
import { kernelSaying } from './orin-host.js';
import { regionCases } from './orin-region-cases.js';

const GPU = '17000000.gpu';
const CLOCK = '9010000.pl031';
const IOVA = 0x100000n;
const PATTERN = Uint8Array.from({ length: 256 }, (_, at) => (at * 7 + 3) & 0xff);

/** The GPU: two regions, four interrupts, and in every width what edu takes: four bytes, from 0x80 on eight, too. */
const gpuRegisters = () =>
  withBound(GPU, (device) => {
    const first = device.region('region0');
    const second = device.region(1);
    second.write(0, 8, 0x8877665544332211n);
    second.write(0x10, 1, 0xab);
    second.write(0x12, 2, 0xcdef);
    second.writeBytes(0x100, PATTERN);
    const last = second.sizeBytes - 8n;
    second.write(last, 8, 0x1122334455667788n);
    first.write(Edu.LIVENESS, 4, 0x12345678);
    return {
      info: device.info,
      regions: device.regions,
      interrupts: device.interrupts,
      iommu: device.space.iommu,
      id: first.read(Edu.ID, 4),
      liveness: first.read(Edu.LIVENESS, 4),
      beyondEdu: first.read(0x100000, 4),
      widths: {
        eight: second.read(0, 8),
        four: [second.read(0, 4), second.read(4, 4)],
        two: [second.read(0, 2), second.read(6, 2)],
        one: [second.read(0, 1), second.read(7, 1)],
        narrow: second.read(0x10, 4),
        bytes: Buffer.from(second.readBytes(0x100, 256)).equals(Buffer.from(PATTERN)),
        last: second.read(last, 8),
      },
      isMapped: isMapped(),
      outside: refusal(() => second.read(second.sizeBytes, 1)),
      unaligned: refusal(() => second.read(2, 4)),
      absent: refusal(() => device.region('region2')),
    };
  });

/** By its stream through the SMMU: in and out, and what becomes of memory that was taken from it. */
const gpuDma = () =>
  withBound(GPU, async (device) => {
    const memory = device.allocate({ sizeBytes: 0x2000, iova: IOVA });
    memory.writeBytes(0, PATTERN);
    await toEdu(device, memory, 256);
    await fromEdu(device, IOVA + 0x1000n, 256);
    const equal = Buffer.from(memory.readBytes(0x1000, 256)).equals(Buffer.from(PATTERN));
    const next = memory.read(0x1100, 8);
    const readOnly = device.allocate({ sizeBytes: 0x1000, iova: IOVA + 0x10000n, access: 'read' });
    // Four bytes make one event; of more than ten the kernel leaves out the rest.
    const written = await kernelSaying(() => fromEdu(device, readOnly.iova, 4));
    const untouched = readOnly.readBytes(0, 256).every((byte) => byte === 0);
    memory.dispose();
    const gone = await kernelSaying(async () => {
      await fromEdu(device, IOVA, 4);
      await toEdu(device, { iova: IOVA + 0x1000n }, 4);
    });
    return {
      equal,
      next,
      untouched,
      written: written.said,
      gone: gone.said,
      reserved: refusal(() => device.allocate({ sizeBytes: 0x1000, iova: 0x8000000n })),
    };
  });

/** A line that stays high until edu is told; the kernel masks it with each that comes. */
const gpuInterrupt = () =>
  withBound(GPU, async (device) => {
    const registers = device.region('region0');
    const irq = device.enableInterrupt('irq0');
    const next = () => irq.next(10_000);
    const silence = async () => (await irq.next(300)) ?? 'none';
    registers.write(Edu.RAISE, 4, 1);
    const first = await next();
    const whileMasked = await silence();
    const stillHigh = [];
    for (let round = 0; round < 3; round++) {
      irq.unmask();
      stillHigh.push(await next());
    }
    registers.write(Edu.ACKNOWLEDGE, 4, 1);
    irq.unmask();
    const afterAcknowledge = await silence();
    irq.mask();
    registers.write(Edu.RAISE, 4, 1);
    const masked = await silence();
    irq.unmask();
    const unmasked = await next();
    registers.write(Edu.ACKNOWLEDGE, 4, 1);
    // One that nothing raises: the kernel makes it all the same.
    const other = device.enableInterrupt('irq3');
    other.trigger();
    const triggered = await other.next(10_000);
    return { info: irq.info, first, whileMasked, stillHigh, afterAcknowledge, masked, unmasked, triggered };
  });

const Clock = { DATA: 0x00, MATCH: 0x04, MASK: 0x10, RAW: 0x14, CLEAR: 0x1c } as const;

/** A device that is no test's: a clock's alarm, twice. */
const clockAlarm = () =>
  withBound(CLOCK, async (device) => {
    const registers = device.region(0);
    const irq = device.enableInterrupt(0);
    registers.write(Clock.CLEAR, 4, 1);
    registers.write(Clock.MASK, 4, 1);
    const alarms = [];
    for (let round = 0; round < 2; round++) {
      registers.write(Clock.MATCH, 4, registers.read(Clock.DATA, 4) + 1);
      const event = await irq.next(20_000);
      const raw = registers.read(Clock.RAW, 4);
      registers.write(Clock.CLEAR, 4, 1);
      alarms.push({ event, raw, cleared: registers.read(Clock.RAW, 4) });
      irq.unmask();
    }
    const afterwards = (await irq.next(300)) ?? 'none';
    registers.write(Clock.MASK, 4, 0);
    return {
      info: irq.info,
      seconds: registers.read(Clock.DATA, 4),
      nowS: Date.now() / 1000,
      alarms,
      afterwards,
    };
  });

export const vfioCases = { gpuRegisters, gpuDma, gpuInterrupt, clockAlarm, ...regionCases };
export type VfioCases = { [Name in keyof typeof vfioCases]: Awaited<ReturnType<(typeof vfioCases)[Name]>> };
