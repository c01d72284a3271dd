import { nonsense } from './failure.js';

/** One of the capabilities that the kernel hangs behind an info structure. */
export interface Capability {
  readonly id: number;
  readonly version: number;
  /** What is behind its header, up to the next one or the end: at least as long as the capability. */
  readonly data: DataView;
}

/** `struct vfio_info_cap_header`: u16 id, u16 version, u32 offset of the next from the info's start. */
const HEADER_BYTES = 8;

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * The chain that begins at `first` of an info's bytes; 0 is an empty one. `fixedBytes` is how long the structure before
 * it is. The kernel lays them one behind the other: a chain that goes back, overlaps or leaves the bytes is refused, so
 * it has an end. Throws GPUVM_VFIO.
 */
export function parseCapabilities(
  info: Uint8Array,
  first: number,
  fixedBytes: number,
  subject: string,
): Capability[] {
  const starts: number[] = [];
  const view = viewOf(info);
  let free = fixedBytes;
  for (let at = first; at !== 0; at = view.getUint32(at + 4, true)) {
    if (at < free || at > info.byteLength - HEADER_BYTES)
      throw nonsense(subject, `a capability is at ${at} of ${info.byteLength} bytes`);
    starts.push(at);
    free = at + HEADER_BYTES;
  }
  return starts.map((at, index) => {
    const from = at + HEADER_BYTES;
    const end = starts[index + 1] ?? info.byteLength;
    return {
      id: view.getUint16(at, true),
      version: view.getUint16(at + 2, true),
      data: viewOf(info.subarray(from, end)),
    };
  });
}
