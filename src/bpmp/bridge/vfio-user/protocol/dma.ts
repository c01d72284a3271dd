import { invalid } from './error.js';
import type { Frame } from './frame.js';
import { HEADER_SIZE } from './numbers.js';
import type { Reply } from './reply.js';

const P = HEADER_SIZE;
const READ_WRITE = 3;

/**
 * DMA_MAP: the client offers its guest's memory. No device here reads or writes it, so the offer is checked and
 * its descriptors are closed with the frame: memory that is not mapped cannot be misused.
 */
export function answerDmaMap(frame: Frame, reply: Reply): void {
  if (frame.payloadSize !== 32) throw invalid('DMA_MAP has the wrong size');
  if ((frame.u32(P + 4) & ~READ_WRITE) !== 0) throw invalid('DMA_MAP has unknown flags');
  if (frame.fds.length > 1) throw invalid('DMA_MAP takes one descriptor');
  checkRange(frame, P + 16, P + 24);
  reply.begin(frame, 0);
}

/** DMA_UNMAP is answered with the entry itself. */
export function answerDmaUnmap(frame: Frame, reply: Reply): void {
  if (frame.payloadSize !== 24) throw invalid('DMA_UNMAP has the wrong size');
  reply.begin(frame, 24);
  reply.bytes.set(frame.part(P, 24), P);
}

function checkRange(frame: Frame, address: number, size: number): void {
  const start = wide(frame, address);
  const length = wide(frame, size);
  if (length === 0n || start + length > 1n << 64n) throw invalid('DMA_MAP has an impossible range');
}

function wide(frame: Frame, position: number): bigint {
  return (BigInt(frame.u32(position + 4)) << 32n) | BigInt(frame.u32(position));
}
