import { frameAt } from './frame.js';
import { BlockType, PACKET_HEADER } from './numbers.js';
import type { Section } from './section.js';
import type { Window } from './window.js';

/**
 * So many bytes of whole blocks, one behind the other, are taken for the capture's own again. A guest writes up to 512
 * bytes of a transfer as it likes: it could have put blocks of its own making there, but never as many.
 */
const SURE = 4096;

/** 'BPMP', and a section's type, which is the same in both byte orders. */
const PACKET_START = Buffer.from('BPMP');
const SECTION_START = Buffer.from([0x0a, 0x0d, 0x0d, 0x0a]);

/**
 * What is known of the bytes behind those at hand: whether more come, whether they have ended, or whether they have been
 * cut off, so that a whole block at the very end says nothing.
 */
export type Ending = 'open' | 'ended' | 'cut';

/**
 * Looks behind a damaged place for where blocks begin again, and leaves the window there: true where they do, and false
 * where more bytes are needed to tell.
 */
export function searchBlocks(window: Window, section: Section, ending: Ending): boolean {
  const { bytes, view, end } = window;
  const held = Buffer.from(bytes.buffer, bytes.byteOffset, end);
  // Each is looked for once, from where the one before was found.
  let packet = -2;
  let start = -2;
  for (let at = window.at; ; at++) {
    if (packet !== -1 && packet < at) packet = indexOf(held, PACKET_START, at + PACKET_HEADER, PACKET_HEADER);
    if (start !== -1 && start < at) start = indexOf(held, SECTION_START, at, 0);
    if (packet === -1 && start === -1) break;
    at = packet === -1 ? start : start === -1 ? packet : Math.min(packet, start);
    if (at === packet && at !== start && !isPacket(view, at, section)) continue;
    const sure = isSure(view, at, end, section.little, ending);
    if (sure === false) continue;
    window.at = at;
    return sure === true;
  }
  // One may have begun, and not be whole yet.
  window.at = Math.max(window.at, end - PACKET_HEADER - PACKET_START.length + 1);
  return false;
}

function indexOf(held: Buffer, what: Buffer, from: number, back: number): number {
  const found = held.indexOf(what, from);
  return found === -1 ? -1 : found - back;
}

function isPacket(view: DataView, at: number, section: Section): boolean {
  const { little } = section;
  if (view.getUint32(at, little) !== BlockType.ENHANCED_PACKET) return false;
  return section.isOurs(view.getUint32(at + 8, little));
}

function isSure(
  view: DataView,
  start: number,
  end: number,
  little: boolean,
  ending: Ending,
): boolean | 'more' {
  let at = start;
  let order = little;
  while (at - start < SURE) {
    const frame = frameAt(view, at, end, order);
    if (frame === 'none') return false;
    if (frame === 'more') return ending === 'open' ? 'more' : ending === 'ended' && at === end && at > start;
    at = frame.next;
    order = frame.little;
  }
  return true;
}
