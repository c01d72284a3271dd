import { setTimeout } from 'node:timers/promises';
import type { VfioDevice, VfioMemory } from '../../../../src/vfio/device/index.js';

/** QEMU's teaching device: the registers of its BAR 0 (docs/specs/edu). */
export const Edu = {
  ID: 0x00,
  LIVENESS: 0x04,
  FACTORIAL: 0x08,
  STATUS: 0x20,
  INTERRUPT_STATUS: 0x24,
  RAISE: 0x60,
  ACKNOWLEDGE: 0x64,
  DMA_SOURCE: 0x80,
  DMA_DESTINATION: 0x88,
  DMA_COUNT: 0x90,
  DMA_COMMAND: 0x98,
  /** Its own memory of a page, as its DMA engine addresses it. */
  BUFFER: 0x40000n,
} as const;

const COMMAND = 0x04;

/** Memory decoding and bus mastering, without which it neither answers nor makes DMA or MSIs. */
export function setCommand(device: VfioDevice, bits: number): number {
  const config = device.region('config');
  config.write(COMMAND, 2, bits);
  return config.read(COMMAND, 2);
}

export const MEMORY_AND_MASTER = 0x6;

/** Its registers: of the PCI function, or where they stand for those of a platform device. */
const registersOf = (device: VfioDevice) => device.region(device.info.kind === 'pci' ? 'bar0' : 'region0');

export function startDma(
  device: VfioDevice,
  source: bigint,
  destination: bigint,
  count: number,
  command: number,
) {
  const bar = registersOf(device);
  bar.write(Edu.DMA_SOURCE, 8, source);
  bar.write(Edu.DMA_DESTINATION, 8, destination);
  bar.write(Edu.DMA_COUNT, 8, count);
  bar.write(Edu.DMA_COMMAND, 8, command);
}

/** 1 begins, 2 is from edu's own memory to the host's. */
export async function toEdu(
  device: VfioDevice,
  memory: Pick<VfioMemory, 'iova'>,
  count: number,
): Promise<void> {
  startDma(device, memory.iova, Edu.BUFFER, count, 1);
  await dmaDone(device);
}

export async function fromEdu(device: VfioDevice, iova: bigint, count: number): Promise<void> {
  startDma(device, Edu.BUFFER, iova, count, 3);
  await dmaDone(device);
}

async function dmaDone(device: VfioDevice): Promise<void> {
  const end = performance.now() + 30_000;
  while ((registersOf(device).read(Edu.DMA_COMMAND, 8) & 1n) !== 0n) {
    if (performance.now() > end) throw new Error('edu does not end its DMA');
    await setTimeout(10);
  }
}
