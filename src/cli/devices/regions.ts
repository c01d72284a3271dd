import { GpuvmError } from '../../errors.js';
import { type InterruptInfo, type RegionInfo, VfioDevice, type VfioRegion } from '../../vfio/device/index.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { columns } from './columns.js';
import { placeOf } from './place.js';

/** Whoever wants more than a screen or two writes a program. */
const MOST_DUMPED_BYTES = 1n << 20n;

export async function run(call: Call, { stdout, json }: Context): Promise<number> {
  const range = rangeOf(call);
  const device = VfioDevice.open(call.args[0]!, { sysroot: placeOf(call).sysroot });
  try {
    const { name, info, regions, interrupts } = device;
    const dump = range && dumpOf(device, call, range);
    if (json) stdout.json({ name, ...info, regions, interrupts, ...(dump ? { dump } : {}) });
    else if (dump) for (const line of dumpLines(dump)) stdout.line(line);
    else for (const line of describe(device)) stdout.line(line);
  } finally {
    device.dispose();
  }
  return 0;
}

interface Dump {
  readonly region: string;
  readonly offset: bigint;
  readonly bytes: Uint8Array;
}

function dumpOf(device: VfioDevice, { options }: Call, [offset, length]: readonly [bigint, bigint]): Dump {
  const region = regionOf(device, options.region === undefined ? undefined : String(options.region));
  return { region: region.info.name, offset, bytes: region.readBytes(offset, Number(length)) };
}

function regionOf(device: VfioDevice, which: string | undefined): VfioRegion {
  if (which !== undefined) return device.region(/^\d+$/.test(which) ? Number(which) : which);
  const first = device.regions.find(({ sizeBytes }) => sizeBytes > 0n);
  if (first === undefined) throw new GpuvmError('GPUVM_DEVICE', `${device.name} has no regions`);
  return device.region(first.index);
}

function rangeOf({ options }: Call): readonly [bigint, bigint] | undefined {
  if (options.dump === undefined) {
    if (options.region === undefined) return undefined;
    throw new GpuvmError('GPUVM_USAGE', '--region says what to dump: --dump OFFSET LENGTH');
  }
  const words = options.dump as readonly string[];
  if (words.length !== 2)
    throw new GpuvmError('GPUVM_USAGE', '--dump takes an offset and a length, --dump 0x0 0x40');
  const [offset, length] = words.map(numberOf) as [bigint, bigint];
  if (length === 0n || length > MOST_DUMPED_BYTES)
    throw new GpuvmError('GPUVM_USAGE', `--dump takes 1 byte to 1 MiB, not ${length}`);
  return [offset, length];
}

function numberOf(word: string): bigint {
  if (/^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(word)) return BigInt(word);
  throw new GpuvmError('GPUVM_USAGE', `${JSON.stringify(word)} is no number: 64 or 0x40`);
}

function describe({ info, regions, interrupts }: VfioDevice): string[] {
  const there = regions.filter(({ sizeBytes }) => sizeBytes > 0n);
  const raised = interrupts.filter(({ count }) => count > 0);
  return [
    `${info.kind}, ${info.canReset ? 'can be reset' : 'cannot be reset'}`,
    ...columns([['REGION', 'SIZE', 'ACCESS', 'MAPPABLE'], ...there.map(regionRow)]),
    ...(raised.length === 0 ? [] : columns([['INTERRUPT', 'VECTORS', 'KIND'], ...raised.map(interruptRow)])),
  ];
}

function regionRow({ name, sizeBytes, isReadable, isWritable, mappable }: RegionInfo): string[] {
  const areas = mappable.map(({ offset, sizeBytes: area }) =>
    area === sizeBytes ? 'all' : `${hex(offset)}+${hex(area)}`,
  );
  return [name, hex(sizeBytes), `${isReadable ? 'r' : '-'}${isWritable ? 'w' : '-'}`, areas.join(' ') || '-'];
}

function interruptRow({ name, count, isAutomasked, isMaskable }: InterruptInfo): string[] {
  return [name, String(count), isAutomasked ? 'level' : isMaskable ? 'edge, maskable' : 'edge'];
}

/** Four words of 32 bits to a line, as registers are read, and what is left over as bytes. */
function dumpLines({ offset, bytes }: Dump): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const words: string[] = [];
    const end = Math.min(at + 16, bytes.length);
    let next = at;
    for (; next + 4 <= end; next += 4) words.push(view.getUint32(next, true).toString(16).padStart(8, '0'));
    for (; next < end; next++) words.push(bytes[next]!.toString(16).padStart(2, '0'));
    lines.push(`${(offset + BigInt(at)).toString(16).padStart(8, '0')}: ${words.join(' ')}`);
  }
  return lines;
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}
