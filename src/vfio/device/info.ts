import { DeviceFlag, InterruptFlag, RegionCapability, RegionFlag } from './abi.js';
import { type Capability, parseCapabilities, viewOf } from './capabilities.js';
import { nonsense } from './failure.js';
import { type DeviceKind, interruptName, regionName } from './names.js';

export interface DeviceInfo {
  readonly kind: DeviceKind;
  /** Whether {@link VfioDevice.reset} can do something. */
  readonly canReset: boolean;
  readonly regionCount: number;
  readonly interruptCount: number;
}

/** A part of a region, in bytes from the region's start. */
export interface RegionArea {
  readonly offset: bigint;
  readonly sizeBytes: bigint;
}

export interface RegionInfo {
  readonly index: number;
  /** `bar0`, `config`; `region0` where the bus has no names. */
  readonly name: string;
  /** 0 where the device does not have this one. */
  readonly sizeBytes: bigint;
  /** Where it begins in the device's descriptor. */
  readonly fileOffset: bigint;
  readonly isReadable: boolean;
  readonly isWritable: boolean;
  /** What can be mapped: nothing, all, or the parts that the kernel lists (sparse). */
  readonly mappable: readonly RegionArea[];
  /** Of a region that only this driver has: its type and subtype. */
  readonly type?: { readonly type: number; readonly subtype: number };
}

export interface InterruptInfo {
  readonly index: number;
  /** `intx`, `msi`, `msix`; `irq0` where the bus has no names. */
  readonly name: string;
  /** How many vectors; 0 where the device does not have this one. */
  readonly count: number;
  readonly hasEventfd: boolean;
  readonly isMaskable: boolean;
  /** Level-triggered: masked by the kernel at each interrupt, until {@link VfioInterrupt.unmask}. */
  readonly isAutomasked: boolean;
}

/** More than any device has; a kernel that says more is not believed. */
const MOST_REGIONS = 1024;
/** MSI-X has 2048 vectors at the most. */
const MOST_VECTORS = 2048;
const FILE_END = 1n << 63n;

/** `struct vfio_device_info`: u32 argsz, flags, num_regions, num_irqs, cap_offset. */
export function parseDeviceInfo(bytes: Uint8Array, subject: string): DeviceInfo {
  const view = fixedPart(bytes, 16, subject);
  const flags = view.getUint32(4, true);
  const regionCount = view.getUint32(8, true);
  const interruptCount = view.getUint32(12, true);
  if (regionCount > MOST_REGIONS) throw nonsense(subject, `it has ${regionCount} regions`);
  if (interruptCount > MOST_REGIONS) throw nonsense(subject, `it has ${interruptCount} interrupts`);
  return { kind: kindOf(flags), canReset: (flags & DeviceFlag.RESET) !== 0, regionCount, interruptCount };
}

/** `struct vfio_region_info`: u32 argsz, flags, index, cap_offset; u64 size, offset. */
export function parseRegionInfo(
  bytes: Uint8Array,
  index: number,
  kind: DeviceKind,
  device: string,
): RegionInfo {
  const name = regionName(kind, index);
  const subject = `${device}, region ${name}`;
  const view = fixedPart(bytes, 32, subject);
  const flags = view.getUint32(4, true);
  if (view.getUint32(8, true) !== index) throw nonsense(subject, `it is region ${view.getUint32(8, true)}`);
  const sizeBytes = view.getBigUint64(16, true);
  const fileOffset = view.getBigUint64(24, true);
  if (fileOffset + sizeBytes > FILE_END)
    throw nonsense(subject, `it has 0x${sizeBytes.toString(16)} bytes at 0x${fileOffset.toString(16)}`);
  const hasCapabilities = (flags & RegionFlag.CAPS) !== 0;
  const capabilities = hasCapabilities ? parseCapabilities(bytes, view.getUint32(12, true), 32, subject) : [];
  const type = capabilities.find(({ id }) => id === RegionCapability.TYPE);
  return {
    index,
    name,
    sizeBytes,
    fileOffset,
    isReadable: (flags & RegionFlag.READ) !== 0,
    isWritable: (flags & RegionFlag.WRITE) !== 0,
    mappable: (flags & RegionFlag.MMAP) === 0 ? [] : mappableAreas(capabilities, sizeBytes, subject),
    ...(type ? { type: typeOf(type, subject) } : {}),
  };
}

/** `struct vfio_irq_info`: u32 argsz, flags, index, count. */
export function parseInterruptInfo(
  bytes: Uint8Array,
  index: number,
  kind: DeviceKind,
  device: string,
): InterruptInfo {
  const name = interruptName(kind, index);
  const view = fixedPart(bytes, 16, `${device}, interrupt ${name}`);
  const flags = view.getUint32(4, true);
  const count = view.getUint32(12, true);
  if (count > MOST_VECTORS) throw nonsense(`${device}, interrupt ${name}`, `it has ${count} vectors`);
  return {
    index,
    name,
    count,
    hasEventfd: (flags & InterruptFlag.EVENTFD) !== 0,
    isMaskable: (flags & InterruptFlag.MASKABLE) !== 0,
    isAutomasked: (flags & InterruptFlag.AUTOMASKED) !== 0,
  };
}

/** One of those that the kernel numbers, and the device does not have. */
export function absentRegion(index: number, kind: DeviceKind): RegionInfo {
  return {
    index,
    name: regionName(kind, index),
    sizeBytes: 0n,
    fileOffset: 0n,
    isReadable: false,
    isWritable: false,
    mappable: [],
  };
}

export function absentInterrupt(index: number, kind: DeviceKind): InterruptInfo {
  const name = interruptName(kind, index);
  return { index, name, count: 0, hasEventfd: false, isMaskable: false, isAutomasked: false };
}

function kindOf(flags: number): DeviceKind {
  if (flags & DeviceFlag.PCI) return 'pci';
  if (flags & DeviceFlag.AMBA) return 'amba';
  return flags & DeviceFlag.PLATFORM ? 'platform' : 'other';
}

function fixedPart(bytes: Uint8Array, length: number, subject: string): DataView {
  if (bytes.byteLength < length) throw nonsense(subject, `${bytes.byteLength} bytes of information`);
  return viewOf(bytes);
}

/** u32 count, u32 reserved, then u64 offset and size of each. */
function mappableAreas(
  capabilities: readonly Capability[],
  sizeBytes: bigint,
  subject: string,
): RegionArea[] {
  const sparse = capabilities.find(({ id }) => id === RegionCapability.SPARSE_MMAP)?.data;
  if (sparse === undefined) return sizeBytes === 0n ? [] : [{ offset: 0n, sizeBytes }];
  const count = sparse.byteLength < 8 ? -1 : sparse.getUint32(0, true);
  if (count < 0 || count > (sparse.byteLength - 8) / 16)
    throw nonsense(subject, `${count} areas in ${sparse.byteLength} bytes`);
  return Array.from({ length: count }, (_, at) => {
    const offset = sparse.getBigUint64(8 + at * 16, true);
    const area = sparse.getBigUint64(16 + at * 16, true);
    if (area === 0n || offset + area > sizeBytes)
      throw nonsense(
        subject,
        `0x${area.toString(16)} of its 0x${sizeBytes.toString(16)} bytes can be mapped at 0x${offset.toString(16)}`,
      );
    return { offset, sizeBytes: area };
  });
}

function typeOf({ data }: Capability, subject: string): { type: number; subtype: number } {
  if (data.byteLength < 8) throw nonsense(subject, `a type of ${data.byteLength} bytes`);
  return { type: data.getUint32(0, true), subtype: data.getUint32(4, true) };
}
