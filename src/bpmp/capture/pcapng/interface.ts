import { OptionCode } from './numbers.js';
import { forEachOption } from './options.js';

/** What an interface's description says that a reader of packets needs. */
export interface Interface {
  readonly linkType: number;
  /** Bytes that a packet is cut to; 0 is no limit. */
  readonly snapLength: number;
  /** Two 32-bit words of the interface's own units, as ns since 1970. */
  readonly timeNs: (high: number, low: number) => bigint;
}

const MICROSECONDS = 6;
const NANOSECONDS = 9;
const BINARY = 0x80;

/** @param start - behind the block's length */
export function readInterface(
  view: DataView,
  start: number,
  end: number,
  little: boolean,
): Interface | string {
  if (end - start < 8) return 'an interface description without its fields';
  let resolution = MICROSECONDS;
  let offsetSeconds = 0n;
  const whole = forEachOption(view, start + 8, end, little, (code, at, length) => {
    if (code === OptionCode.INTERFACE_TIME_RESOLUTION && length === 1) resolution = view.getUint8(at);
    if (code === OptionCode.INTERFACE_TIME_OFFSET && length === 8)
      offsetSeconds = view.getBigInt64(at, little);
  });
  if (!whole) return 'an interface description whose options do not add up';
  return {
    linkType: view.getUint16(start, little),
    snapLength: view.getUint32(start + 4, little),
    timeNs: clockOf(resolution, offsetSeconds),
  };
}

const words = new DataView(new ArrayBuffer(8));

function units(high: number, low: number): bigint {
  words.setUint32(0, high);
  words.setUint32(4, low);
  return words.getBigUint64(0);
}

/** @param resolution - if_tsresol: a negative power of ten, or with its uppermost bit set of two */
export function clockOf(resolution: number, offsetSeconds = 0n): Interface['timeNs'] {
  const offset = offsetSeconds * 1_000_000_000n;
  if (resolution === NANOSECONDS) return offset === 0n ? units : (high, low) => units(high, low) + offset;
  if ((resolution & BINARY) !== 0) {
    const shift = BigInt(resolution & ~BINARY);
    return (high, low) => ((units(high, low) * 1_000_000_000n) >> shift) + offset;
  }
  if (resolution < NANOSECONDS) {
    const factor = 10n ** BigInt(NANOSECONDS - resolution);
    return (high, low) => units(high, low) * factor + offset;
  }
  const divisor = 10n ** BigInt(resolution - NANOSECONDS);
  return (high, low) => units(high, low) / divisor + offset;
}
