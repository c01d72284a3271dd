import { BlockType } from '../../../src/bpmp/capture/pcapng/numbers.js';
import { block, type Option } from '../../../src/bpmp/capture/pcapng/write.js';

/** 32-bit words, little-endian. */
export function words(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    view.setUint32(4 * index, value, true);
  });
  return bytes;
}

export function section(): Uint8Array {
  return block(BlockType.SECTION, words(0x1a2b3c4d, 1, 0xffff_ffff, 0xffff_ffff), []);
}

/** An interface of any kind; `resolution` is if_tsresol, `offsetSeconds` if_tsoffset. */
export function anInterface({
  linkType = 147,
  snapLength = 0,
  resolution,
  offsetSeconds,
}: {
  linkType?: number;
  snapLength?: number;
  resolution?: number;
  offsetSeconds?: bigint;
} = {}): Uint8Array {
  const options: Option[] = [];
  if (resolution !== undefined) options.push({ code: 9, value: Uint8Array.of(resolution) });
  if (offsetSeconds !== undefined) {
    const value = new Uint8Array(8);
    new DataView(value.buffer).setBigInt64(0, offsetSeconds, true);
    options.push({ code: 14, value });
  }
  return block(BlockType.INTERFACE, words(linkType, snapLength), options);
}

/** An enhanced packet of an interface, `units` after 1970. */
export function packet(
  data: Uint8Array,
  { of = 0, units = 0n, original = data.length, options = [] as readonly Option[] } = {},
): Uint8Array {
  const time = [Number(units >> 32n), Number(units & 0xffff_ffffn)];
  const head = Buffer.concat([words(of, ...time, data.length, original), data]);
  return block(BlockType.ENHANCED_PACKET, head, options);
}

/** The same little-endian capture as another machine would have written it. */
export function bigEndian(capture: Uint8Array): Uint8Array {
  const bytes = Buffer.from(capture);
  for (let at = 0; at < bytes.length; ) {
    const type = bytes.readUInt32LE(at);
    const length = bytes.readUInt32LE(at + 4);
    for (const word of [at, at + 4, at + length - 4]) bytes.subarray(word, word + 4).reverse();
    if (type === BlockType.SECTION) {
      swap(bytes, at + 8, 4, 2, 2, 8);
      swapOptions(bytes, at + 24, at + length - 4, new Set());
    } else if (type === BlockType.INTERFACE) {
      swap(bytes, at + 8, 2, 2, 4);
      swapOptions(bytes, at + 16, at + length - 4, new Set([14]));
    } else if (type === BlockType.STATISTICS) {
      swap(bytes, at + 8, 4, 4, 4);
      swapOptions(bytes, at + 20, at + length - 4, new Set([4, 5]), new Set([2, 3]));
    } else if (type === BlockType.ENHANCED_PACKET) {
      const data = bytes.readUInt32LE(at + 20);
      swap(bytes, at + 8, 4, 4, 4, 4, 4);
      swapOptions(bytes, at + 28 + ((data + 3) & ~3), at + length - 4, new Set([4, 5]), new Set([2]));
    }
    at += length;
  }
  return bytes;
}

function swap(bytes: Buffer, at: number, ...sizes: readonly number[]): void {
  let from = at;
  for (const size of sizes) {
    bytes.subarray(from, from + size).reverse();
    from += size;
  }
}

/** `long` have a value of eight bytes, `short` one of four or two times four. */
function swapOptions(
  bytes: Buffer,
  start: number,
  end: number,
  long: Set<number>,
  short = new Set<number>(),
) {
  for (let at = start; at < end; ) {
    const code = bytes.readUInt16LE(at);
    const length = bytes.readUInt16LE(at + 2);
    swap(bytes, at, 2, 2);
    if (code === 0) return;
    if (long.has(code)) swap(bytes, at + 4, 8);
    if (short.has(code)) swap(bytes, at + 4, ...(length === 8 ? [4, 4] : [4]));
    at += 4 + ((length + 3) & ~3);
  }
}
