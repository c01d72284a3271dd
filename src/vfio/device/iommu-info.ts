import { IommuCapability, IommuFlag } from './abi.js';
import { parseCapabilities, viewOf } from './capabilities.js';
import { nonsense } from './failure.js';

/** Addresses that a device may use; both ends belong to it. */
export interface IovaRange {
  readonly first: bigint;
  readonly last: bigint;
}

export interface IommuInfo {
  /** The smallest page of the IOMMU: what addresses and sizes of DMA memory are multiples of. */
  readonly pageSizeBytes: bigint;
  /** Without what is reserved, for MSIs say. Empty where the kernel does not tell (before Linux 5.4). */
  readonly ranges: readonly IovaRange[];
}

/** `struct vfio_iommu_type1_info`: u32 argsz, flags; u64 iova_pgsizes; u32 cap_offset. */
export function parseIommuInfo(bytes: Uint8Array, subject: string): IommuInfo {
  if (bytes.byteLength < 20) throw nonsense(subject, `${bytes.byteLength} bytes of information`);
  const view = viewOf(bytes);
  const flags = view.getUint32(4, true);
  const sizes = (flags & IommuFlag.PAGE_SIZES) === 0 ? 4096n : view.getBigUint64(8, true);
  if (sizes === 0n) throw nonsense(subject, 'its IOMMU has no page size');
  const capabilities =
    (flags & IommuFlag.CAPS) === 0 ? [] : parseCapabilities(bytes, view.getUint32(16, true), 20, subject);
  const ranges = capabilities.find(({ id }) => id === IommuCapability.IOVA_RANGE)?.data;
  // The lowest bit that is set.
  return { pageSizeBytes: sizes & -sizes, ranges: ranges ? rangesOf(ranges, subject) : [] };
}

/** u32 count, u32 reserved, then u64 first and last of each. */
function rangesOf(data: DataView, subject: string): IovaRange[] {
  const count = data.byteLength < 8 ? -1 : data.getUint32(0, true);
  if (count < 0 || count > (data.byteLength - 8) / 16)
    throw nonsense(subject, `${count} address ranges in ${data.byteLength} bytes`);
  return Array.from({ length: count }, (_, at) =>
    checkedRange(data.getBigUint64(8 + at * 16, true), data.getBigUint64(16 + at * 16, true), subject),
  );
}

export function checkedRange(first: bigint, last: bigint, subject: string): IovaRange {
  if (last < first)
    throw nonsense(subject, `an address range from 0x${first.toString(16)} to 0x${last.toString(16)}`);
  return { first, last };
}
