import { classify } from './classify.js';
import type { CommandInfo } from './family.js';
import { commandOf } from './mrqs.js';
import { newShape, ShapeStatus } from './shape.js';

/**
 * How much of a mailbox frame belongs to a message. A frame is 120 bytes and used again and again; beyond a message it
 * holds what others wrote there before.
 */
export interface Extent {
  /** Bytes of the request's struct: what the firmware reads, whatever the sender gave. */
  readonly request: number;
  /** Bytes of a reply, given as many as there are. */
  reply(frame: Uint8Array): number;
}

const scratch = newShape();

/** The extent of a request that the ABI header knows; undefined for any other. */
export function extentOf(mrq: number, tx: Uint8Array): Extent | undefined {
  const { status, command } = classify(mrq, tx, scratch);
  const info = status === ShapeStatus.OK ? commandOf(mrq, command) : undefined;
  return info && { request: info.request.size, reply: (frame) => replyExtent(info, frame) };
}

function replyExtent({ reply }: CommandInfo, frame: Uint8Array): number {
  const { list, count, string } = reply;
  let extent = reply.size;
  if (string !== undefined) {
    const end = frame.subarray(string.offset, string.offset + string.item.max).indexOf(0);
    if (end >= 0) extent = Math.max(reply.fixedSize, string.offset + end + 1);
  } else if (
    list !== undefined &&
    count !== undefined &&
    frame.length >= count.offset + count.item.type.size
  ) {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    const length = Number(count.item.type.read(view, count.offset, { names: undefined, parent: {} }));
    const entries = Math.min(length, list.item.max);
    extent = Math.max(reply.fixedSize, list.offset + entries * list.item.element.size);
  }
  return Math.min(extent, frame.length);
}
