import { GpuvmError } from '../../errors.js';
import type { VfioMappingHandle } from '../../native/index.js';
import { MapAccess } from './abi.js';
import type { Accessible, Offset } from './accessible.js';
import { type AccessWidth, accessAt, accessValue, size, u64, widestFor, width, wrong } from './arguments.js';
import { asking, kernelFailure } from './failure.js';
import { Holdings } from './holdings.js';
import type { RegionArea, RegionInfo } from './info.js';
import type { VfioKernel } from './kernel.js';
import { fromBytes, toBytes } from './little-endian.js';
import { VfioMapping } from './mapping.js';
import type { DeviceKind } from './names.js';

/** A region and the descriptor that it is a part of. */
export interface RegionOwner {
  readonly kernel: VfioKernel;
  readonly fd: number;
  readonly kind: DeviceKind;
  /** Of the device; what the region opens hangs on it. */
  readonly holdings: Holdings;
  /** Kept from being forgotten while the region is in use. */
  readonly device: object;
}

/**
 * One region of a device: registers, memory, configuration space. Accesses go to a mapping where the kernel makes one of
 * that part, else through pread and pwrite, one call for each.
 */
export class VfioRegion implements Accessible {
  readonly info: RegionInfo;
  readonly #owner: RegionOwner;
  readonly #what: string;
  /** By area; null where the kernel would not map it. */
  readonly #mapped = new Map<RegionArea, VfioMappingHandle | null>();

  constructor(owner: RegionOwner, info: RegionInfo) {
    this.#owner = owner;
    this.info = info;
    this.#what = `${owner.holdings.what}, region ${info.name}`;
  }

  get sizeBytes(): bigint {
    return this.info.sizeBytes;
  }

  read(offset: Offset, width: 1 | 2 | 4): number;
  read(offset: Offset, width: 8): bigint;
  read(offset: Offset, unit: AccessWidth): number | bigint {
    return this.#read(this.#at(offset, unit, width(unit), 'read'), unit);
  }

  write(offset: Offset, unit: AccessWidth, value: number | bigint): void {
    const at = this.#at(offset, unit, width(unit), 'write');
    this.#write(at, unit, accessValue(value, unit));
  }

  /** Without a width in the widest accesses that fit, of 4 bytes at the most: wider ones not every device takes. */
  readBytes(offset: Offset, lengthBytes: number, unit?: AccessWidth): Uint8Array {
    if (!Number.isSafeInteger(lengthBytes) || lengthBytes < 0) throw wrong('a length is a whole number');
    const { at, chosen } = this.#row(offset, lengthBytes, unit, 'read');
    const into = new Uint8Array(lengthBytes);
    const mapped = this.#mappingFor(at, lengthBytes);
    if (mapped) asking(this.#what, () => mapped.handle.copyOut(at - mapped.start, into, chosen));
    else
      for (let done = 0; done < lengthBytes; done += chosen)
        into.set(toBytes(this.#read(at + BigInt(done), chosen), chosen), done);
    return into;
  }

  writeBytes(offset: Offset, bytes: Uint8Array, unit?: AccessWidth): void {
    const { at, chosen } = this.#row(offset, bytes.byteLength, unit, 'write');
    const mapped = this.#mappingFor(at, bytes.byteLength);
    if (mapped) asking(this.#what, () => mapped.handle.copyIn(at - mapped.start, bytes, chosen));
    else
      for (let done = 0; done < bytes.byteLength; done += chosen)
        this.#write(at + BigInt(done), chosen, fromBytes(bytes.subarray(done, done + chosen)));
  }

  /**
   * Maps a part that lies in one of {@link RegionInfo.mappable}; without arguments all of the first. Offsets are
   * multiples of the host's page size. Throws GPUVM_USAGE where that part cannot be mapped.
   */
  map(part: { readonly offset?: Offset; readonly sizeBytes?: Offset } = {}): VfioMapping {
    const { kernel, fd, holdings, device } = this.#owner;
    holdings.requireOpen();
    const area = this.#partToMap(part);
    const page = BigInt(kernel.pageSize());
    if (area.offset % page !== 0n)
      throw wrong(`${this.#what}: a mapping begins at a multiple of 0x${page.toString(16)}`);
    // Nothing here may be a closure over the region: what hangs on the holdings must not keep the device.
    const [where, access] = [this.info.fileOffset + area.offset, this.#access()];
    const handle = asking(this.#what, () => new kernel.VfioMapping(fd, where, area.sizeBytes, access));
    const own = new Holdings(`${this.#what}, mapped at 0x${area.offset.toString(16)}`, holdings);
    own.add(() => handle.close());
    return new VfioMapping(handle, area, own, device);
  }

  #partToMap({ offset, sizeBytes }: { readonly offset?: Offset; readonly sizeBytes?: Offset }): RegionArea {
    const { mappable } = this.info;
    const start = offset === undefined ? (mappable[0]?.offset ?? 0n) : u64(offset, 'an offset');
    const around = mappable.find((area) => start >= area.offset && start < area.offset + area.sizeBytes);
    if (around === undefined)
      throw wrong(
        mappable.length === 0
          ? `${this.#what} cannot be mapped: use read and write`
          : `${this.#what} cannot be mapped at 0x${start.toString(16)}, only ${mappable.map(areaText).join(', ')}`,
      );
    const rest = around.offset + around.sizeBytes - start;
    const wanted = sizeBytes === undefined ? rest : size(sizeBytes, 'a size');
    if (wanted > rest)
      throw wrong(`${this.#what}: of what can be mapped, 0x${rest.toString(16)} bytes are left there`);
    return { offset: start, sizeBytes: wanted };
  }

  #access(): number {
    return (this.info.isReadable ? MapAccess.READ : 0) | (this.info.isWritable ? MapAccess.WRITE : 0);
  }

  #at(offset: Offset, bytes: number, unit: AccessWidth, verb: 'read' | 'write'): bigint {
    this.#owner.holdings.requireOpen();
    const { isReadable, isWritable, sizeBytes } = this.info;
    if (!(verb === 'read' ? isReadable : isWritable))
      throw wrong(`${this.#what} cannot be ${verb === 'read' ? 'read' : 'written'}`);
    return accessAt(offset, bytes, unit, sizeBytes, this.#what);
  }

  #row(offset: Offset, bytes: number, unit: AccessWidth | undefined, verb: 'read' | 'write') {
    const start = this.#at(offset, bytes, 1, verb);
    const widest = widestFor(start, bytes);
    const chosen = unit === undefined ? (widest === 8 ? 4 : widest) : width(unit);
    return { at: this.#at(start, bytes, chosen, verb), chosen };
  }

  #read(at: bigint, unit: AccessWidth): number | bigint {
    const mapped = this.#mappingFor(at, unit);
    if (mapped) return asking(this.#what, () => mapped.handle.read(at - mapped.start, unit));
    const bytes = new Uint8Array(unit);
    this.#transfer('pread', at, bytes);
    return fromBytes(bytes);
  }

  #write(at: bigint, unit: AccessWidth, value: number | bigint): void {
    const mapped = this.#mappingFor(at, unit);
    if (mapped) asking(this.#what, () => mapped.handle.write(at - mapped.start, unit, value));
    else this.#transfer('pwrite', at, toBytes(value, unit));
  }

  #transfer(call: 'pread' | 'pwrite', at: bigint, bytes: Uint8Array): void {
    const { kernel, fd } = this.#owner;
    const where = this.info.fileOffset + at;
    const moved = asking(this.#what, () =>
      call === 'pread' ? kernel.vfioRegionRead(fd, where, bytes) : kernel.vfioRegionWrite(fd, where, bytes),
    );
    if (moved !== bytes.length)
      throw new GpuvmError(
        'GPUVM_VFIO',
        `${this.#what}: ${call} moved ${moved} of ${bytes.length} bytes at 0x${at.toString(16)}: the device has none there`,
        { details: { call, subject: this.#what } },
      );
  }

  #mappingFor(at: bigint, bytes: number): { handle: VfioMappingHandle; start: bigint } | undefined {
    const area = this.info.mappable.find(
      ({ offset, sizeBytes }) => at >= offset && at + BigInt(bytes) <= offset + sizeBytes,
    );
    if (area === undefined) return undefined;
    let handle = this.#mapped.get(area);
    if (handle === undefined) {
      handle = this.#tryToMap(area);
      this.#mapped.set(area, handle);
    }
    return handle === null ? undefined : { handle, start: area.offset };
  }

  #tryToMap({ offset, sizeBytes }: RegionArea): VfioMappingHandle | null {
    const { kernel, fd, holdings } = this.#owner;
    try {
      const where = this.info.fileOffset + offset;
      const handle = new kernel.VfioMapping(fd, where, sizeBytes, this.#access());
      holdings.add(() => handle.close());
      return handle;
    } catch (error) {
      // The kernel said that it can be mapped, and does not: pread and pwrite do the same of a PCI function. Elsewhere
      // an access that nothing answers is a bus error of whoever makes it: let that be this process, not the kernel.
      if (this.#owner.kind !== 'pci') throw kernelFailure(this.#what, error);
      return null;
    }
  }
}

function areaText({ offset, sizeBytes }: RegionArea): string {
  return `0x${offset.toString(16)}+0x${sizeBytes.toString(16)}`;
}
