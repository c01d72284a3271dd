import type { Device, Region } from './device.js';
import { invalid } from './error.js';
import type { Frame } from './frame.js';
import { CAP_SPARSE_MMAP, DeviceFlag, HEADER_SIZE, RegionFlag } from './numbers.js';
import type { Reply } from './reply.js';

const P = HEADER_SIZE;
const REGION_INFO_SIZE = 32;
/** Capability header, number of areas, reserved; then 16 bytes for each area. */
const SPARSE_SIZE = 16;

/** The protocol's structure has 16 bytes; `vfio_device_info`, which some clients send, a capability offset more. */
const DEVICE_INFO_SIZE = 16;
const LONGEST_DEVICE_INFO = 24;

/**
 * DEVICE_GET_INFO: argsz, flags, number of regions, number of interrupt kinds. The answer is as long as the question:
 * a client waits for as many bytes as its own structure has.
 */
export function answerDeviceInfo(frame: Frame, reply: Reply, device: Device): void {
  const size = frame.payloadSize;
  if (size < DEVICE_INFO_SIZE || size > LONGEST_DEVICE_INFO || frame.u32(P) < DEVICE_INFO_SIZE) {
    throw invalid('DEVICE_GET_INFO has the wrong size');
  }
  reply.begin(frame, size);
  reply.bytes.fill(0, P, P + size);
  reply.u32(P, size);
  reply.u32(P + 4, DeviceFlag.RESET | DeviceFlag.PCI);
  reply.u32(P + 8, device.regions.length);
  reply.u32(P + 12, device.interrupts.length);
}

/**
 * DEVICE_GET_REGION_INFO. A client asks twice for a region with shared areas: first with room for the plain
 * structure, then, having learnt the size, for all of it; the memory goes with the whole answer only.
 */
export function answerRegionInfo(frame: Frame, reply: Reply, device: Device): void {
  if (frame.payloadSize !== REGION_INFO_SIZE || frame.u32(P) < REGION_INFO_SIZE) {
    throw invalid('DEVICE_GET_REGION_INFO has the wrong size');
  }
  const room = frame.u32(P);
  const index = frame.u32(P + 8);
  const region = device.regions[index];
  if (region === undefined) throw invalid(`there is no region ${index}`);
  const areas = region.shared?.areas ?? [];
  const needed = areas.length === 0 ? REGION_INFO_SIZE : REGION_INFO_SIZE + SPARSE_SIZE + 16 * areas.length;
  const whole = room >= needed;
  reply.begin(frame, whole ? needed : REGION_INFO_SIZE);
  reply.u32(P, needed);
  reply.u32(P + 4, regionFlags(region));
  reply.u32(P + 8, index);
  reply.u32(P + 12, areas.length > 0 ? REGION_INFO_SIZE : 0);
  reply.u64(P + 16, region.size);
  reply.u64(P + 24, 0);
  if (!whole || region.shared === undefined || areas.length === 0) return;
  reply.fd = region.shared.fd;
  const cap = P + REGION_INFO_SIZE;
  reply.u16(cap, CAP_SPARSE_MMAP);
  reply.u16(cap + 2, 1);
  reply.u32(cap + 4, 0);
  reply.u32(cap + 8, areas.length);
  reply.u32(cap + 12, 0);
  areas.forEach((area, i) => {
    reply.u64(cap + SPARSE_SIZE + 16 * i, area.offset);
    reply.u64(cap + SPARSE_SIZE + 16 * i + 8, area.size);
  });
}

function regionFlags(region: Region): number {
  let flags = 0;
  if (region.size === 0) return 0;
  if (region.readable) flags |= RegionFlag.READ;
  if (region.writable) flags |= RegionFlag.WRITE;
  if (region.shared !== undefined && region.shared.areas.length > 0)
    flags |= RegionFlag.MMAP | RegionFlag.CAPS;
  return flags;
}

/** DEVICE_GET_IRQ_INFO: argsz, flags, index, count. */
export function answerInterruptInfo(frame: Frame, reply: Reply, device: Device): void {
  if (frame.payloadSize !== 16 || frame.u32(P) < 16) throw invalid('DEVICE_GET_IRQ_INFO has the wrong size');
  const index = frame.u32(P + 8);
  const info = device.interrupts[index];
  if (info === undefined) throw invalid(`there is no interrupt index ${index}`);
  reply.begin(frame, 16);
  reply.u32(P, 16);
  reply.u32(P + 4, info.flags);
  reply.u32(P + 8, index);
  reply.u32(P + 12, info.count);
}
