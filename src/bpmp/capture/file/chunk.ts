import { LEAST_BLOCK } from '../pcapng/numbers.js';
import type { CaptureWriter } from '../writer.js';
import type { Queue } from './queue.js';

/** Written at once; larger only where ready blocks come so. */
const CHUNK = 1 << 20;

/** Bytes for one write, and what they hold. */
export interface Chunk {
  readonly bytes: Uint8Array;
  readonly records: number;
  /** To be called when they were written, or given up. */
  readonly done: readonly (() => void)[];
}

/**
 * Takes what waits, as far as it fits into what the file has room for; undefined where nothing does.
 *
 * @param mustTake - the file is new: one block is put into it, however large
 */
export function nextChunk(
  queue: Queue,
  writer: CaptureWriter,
  room: number,
  mustTake: boolean,
): Chunk | undefined {
  const parts: Uint8Array[] = [];
  const done: (() => void)[] = [];
  let records = 0;
  let size = 0;
  const take = (bytes: Uint8Array, count: number): void => {
    parts.push(bytes);
    records += count;
    size += bytes.length;
  };
  while (size < CHUNK) {
    const item = queue.first;
    if (item === undefined) break;
    const left = room - size - writer.endSize;
    const isForced = mustTake && parts.length === 0;
    if ('record' in item) {
      if (writer.sizeOf(item.record, item.extras) > left && !isForced) break;
      take(writer.add(item.record, item.extras), 1);
      queue.take();
      continue;
    }
    const end = fitting(item.blocks, left, isForced);
    if (end.at === 0 && item.blocks.length > 0) break;
    const isWhole = end.at === item.blocks.length;
    const blocks = item.blocks.subarray(0, end.at);
    const count = isWhole ? item.records : Math.min(end.blocks, item.records);
    writer.count(blocks, item.dropped);
    take(blocks, count);
    if (!isWhole) {
      queue.replaceFirst({
        ...item,
        blocks: item.blocks.subarray(end.at),
        records: item.records - count,
        dropped: 0,
      });
      break;
    }
    done.push(item.done);
    queue.take();
  }
  if (parts.length === 0) return undefined;
  return { bytes: parts.length === 1 ? parts[0] : Buffer.concat(parts), records, done };
}

/** How many whole blocks fit, and where the last of them ends. */
function fitting(bytes: Uint8Array, room: number, isForced: boolean): { at: number; blocks: number } {
  if (bytes.length <= room) return { at: bytes.length, blocks: 0 };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  let blocks = 0;
  while (at + LEAST_BLOCK <= bytes.length) {
    const length = Math.max(LEAST_BLOCK, view.getUint32(at + 4, true));
    if (at + length > bytes.length || (at + length > room && !(isForced && blocks === 0))) break;
    at += length;
    blocks++;
  }
  return { at, blocks };
}
