/** What the kernel writes behind its ioctls, laid out by hand after include/uapi/linux/vfio.h. */
export interface CapabilitySpec {
  readonly id: number;
  readonly version?: number;
  readonly data: Uint8Array;
}

/** A fixed part, and capabilities one behind the other; the offset of the first is put at `offsetAt`. */
export function withCapabilities(
  fixed: Uint8Array,
  offsetAt: number,
  capabilities: readonly CapabilitySpec[],
): Uint8Array {
  const total = capabilities.reduce((sum, { data }) => sum + 8 + data.length, fixed.length);
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  bytes.set(fixed);
  let at = fixed.length;
  capabilities.forEach(({ id, version = 1, data }, index) => {
    if (index === 0) view.setUint32(offsetAt, at, true);
    const next = at + 8 + data.length;
    view.setUint16(at, id, true);
    view.setUint16(at + 2, version, true);
    view.setUint32(at + 4, index === capabilities.length - 1 ? 0 : next, true);
    bytes.set(data, at + 8);
    at = next;
  });
  return bytes;
}

export function words(...values: (number | bigint)[]): Uint8Array {
  const parts = values.map((value) => {
    const bytes = new Uint8Array(typeof value === 'bigint' ? 8 : 4);
    const view = new DataView(bytes.buffer);
    if (typeof value === 'bigint') view.setBigUint64(0, value, true);
    else view.setUint32(0, value, true);
    return bytes;
  });
  return new Uint8Array(Buffer.concat(parts));
}

export interface RegionSpec {
  readonly index: number;
  readonly flags: number;
  readonly size: bigint;
  readonly offset?: bigint;
  readonly capabilities?: readonly CapabilitySpec[];
}

export function regionInfo({ index, flags, size, offset = 0n, capabilities = [] }: RegionSpec): Uint8Array {
  const fixed = words(32, capabilities.length > 0 ? flags | 8 : flags, index, 0, size, offset);
  return withCapabilities(fixed, 12, capabilities);
}

export function sparse(...areas: readonly (readonly [bigint, bigint])[]): CapabilitySpec {
  return { id: 1, data: words(areas.length, 0, ...areas.flat()) };
}
