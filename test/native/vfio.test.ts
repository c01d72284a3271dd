import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { addon } from '../../src/native/index.js';

const PAGE = 4096n;
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

function memory(sizeBytes: bigint, access = 3, mapped = sizeBytes) {
  const fd = addon().vfioCreateDmaMemory(sizeBytes);
  closers.push(() => closeSync(fd));
  const mapping = new (addon().VfioMapping)(fd, 0n, mapped, access);
  closers.push(() => mapping.close());
  return { fd, mapping };
}

const code = (expected: string) => expect.objectContaining({ code: expected });

describe('a mapping', () => {
  it('has accesses of each width, little-endian', () => {
    const { mapping } = memory(PAGE);
    mapping.write(8, 8, 0x1122334455667788n);
    expect([8, 9, 15].map((at) => mapping.read(at, 1))).toEqual([0x88, 0x77, 0x11]);
    expect([mapping.read(8n, 2), mapping.read(12, 4), mapping.read(8, 8)]).toEqual([
      0x7788,
      0x11223344,
      0x1122334455667788n,
    ]);
    mapping.write(4088, 8, (1n << 64n) - 1n);
    mapping.write(4092, 4, 0xffff_fffe);
    expect(mapping.read(4088, 8)).toBe(0xffff_fffe_ffff_ffffn);
  });

  it.each([
    ['beyond the end', 4096n, 1, RangeError],
    ['over the end', 4092, 8, RangeError],
    ['that wraps round', (1n << 64n) - 8n, 8, RangeError],
    ['unaligned', 2, 4, RangeError],
    ['of another width', 0, 3, RangeError],
    ['of no width', 0, 0, RangeError],
    ['before the beginning', -1, 1, TypeError],
    ['at a fraction', 0.5, 1, TypeError],
    ['at 2^64', 1n << 64n, 1, TypeError],
    ['at no number', '0' as unknown as number, 1, TypeError],
  ])('refuses an access %s', (_, offset, width, error) => {
    const { mapping } = memory(PAGE);
    expect(() => mapping.read(offset, width)).toThrow(error);
    expect(() => mapping.write(offset, width, width === 8 ? 0n : 0)).toThrow(error);
  });

  it('refuses values that do not fit', () => {
    const { mapping } = memory(PAGE);
    expect(() => mapping.write(0, 1, 256)).toThrow(RangeError);
    expect(() => mapping.write(0, 2, 65536)).toThrow(RangeError);
    for (const value of [2 ** 32, -1, 1n]) expect(() => mapping.write(0, 4, value)).toThrow(TypeError);
    for (const value of [1, -1n, 1n << 64n]) expect(() => mapping.write(0, 8, value)).toThrow(TypeError);
    expect(mapping.read(0, 8)).toBe(0n);
  });

  it('of 4 GiB is reached at both ends, by access and by buffer', () => {
    const size = 4n << 30n;
    const { mapping } = memory(size);
    mapping.write(size - 4n, 4, 0xcafe_f00d);
    mapping.write(0, 4, 7);
    const buffer = mapping.buffer();
    expect(buffer.byteLength).toBe(2 ** 32);
    expect(mapping.buffer()).toBe(buffer);
    const bytes = new Uint8Array(buffer);
    expect([bytes[0], bytes[2 ** 32 - 1], bytes[2 ** 32 - 4]]).toEqual([7, 0xca, 0x0d]);
    bytes[2 ** 32 - 1] = 1;
    expect(mapping.read(Number(size) - 1, 1)).toBe(1);
  });

  it('keeps to what may be done with it', () => {
    expect(() => memory(PAGE, 1).mapping.write(0, 1, 0)).toThrow(code('EACCES'));
    expect(() => memory(PAGE, 1).mapping.buffer()).toThrow(code('EACCES'));
    expect(() => memory(PAGE, 2).mapping.read(0, 1)).toThrow(code('EACCES'));
  });

  it('is empty everywhere once it is closed, also where a buffer was moved', () => {
    const { mapping } = memory(PAGE);
    const buffer = mapping.buffer();
    mapping.write(0, 1, 5);
    const other = memory(PAGE).mapping;
    const moved = structuredClone(other.buffer(), { transfer: [other.buffer()] });
    other.close();
    expect(mapping.close()).toBe(true);
    expect(buffer.byteLength).toBe(0);
    expect(new Uint8Array(moved)[4095]).toBe(0);
    expect(() => mapping.read(0, 1)).toThrow(/closed/);
    expect(() => mapping.buffer()).toThrow(/closed/);
    expect(mapping.close()).toBe(true);
  });

  it('is survived where its memory goes away under it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'gpuvm-fault-'));
    closers.push(() => rmSync(folder, { recursive: true }));
    const fd = openSync(join(folder, 'file'), 'w+');
    closers.push(() => closeSync(fd));
    ftruncateSync(fd, 8192);
    const mapping = new (addon().VfioMapping)(fd, 0n, 8192n, 3);
    closers.push(() => mapping.close());
    mapping.write(0, 4, 1);
    ftruncateSync(fd, 0);
    const gone = expect.objectContaining({ code: 'EFAULT', syscall: 'SIGBUS' });
    for (let round = 0; round < 3; round++) expect(() => mapping.read(0, 4)).toThrow(gone);
    expect(() => mapping.write(4096, 8, 1n)).toThrow(gone);
    expect(() => mapping.copyOut(0, new Uint8Array(64), 8)).toThrow(gone);
    ftruncateSync(fd, 8192);
    expect(mapping.read(0, 4)).toBe(0);
  });

  it('is the only thing that is given to devices', () => {
    const { fd, mapping } = memory(PAGE);
    const fake = Object.create(Object.getPrototypeOf(mapping) as object) as typeof mapping;
    expect(() => addon().vfioMapDma(fd, fake, 0n, 3)).toThrow(TypeError);
    expect(() => addon().vfioMapDma(fd, {} as typeof mapping, 0n, 3)).toThrow(TypeError);
    expect(() => addon().vfioMapDma(fd, mapping, 0n, 3)).toThrow(code('ENOTTY'));
    mapping.close();
    expect(() => addon().vfioMapDma(fd, mapping, 0n, 3)).toThrow(/closed/);
  });
});

describe('the calls', () => {
  it('name the ioctl and the errno', () => {
    const { fd, mapping } = memory(PAGE);
    const calls: [string, () => unknown][] = [
      ['VFIO_GET_API_VERSION', () => addon().vfioApiVersion(fd)],
      ['VFIO_CHECK_EXTENSION', () => addon().vfioCheckExtension(fd, 3)],
      ['VFIO_SET_IOMMU', () => addon().vfioSetIommu(fd, 3)],
      ['VFIO_IOMMU_GET_INFO', () => addon().vfioIommuInfo(fd)],
      ['VFIO_GROUP_GET_STATUS', () => addon().vfioGroupStatus(fd)],
      ['VFIO_GROUP_SET_CONTAINER', () => addon().vfioGroupSetContainer(fd, fd)],
      ['VFIO_GROUP_UNSET_CONTAINER', () => addon().vfioGroupUnsetContainer(fd)],
      ['VFIO_GROUP_GET_DEVICE_FD', () => addon().vfioGroupDevice(fd, 'x')],
      ['VFIO_DEVICE_GET_INFO', () => addon().vfioDeviceInfo(fd)],
      ['VFIO_DEVICE_RESET', () => addon().vfioDeviceReset(fd)],
      ['VFIO_DEVICE_GET_REGION_INFO', () => addon().vfioRegionInfo(fd, 0)],
      ['VFIO_DEVICE_GET_IRQ_INFO', () => addon().vfioInterruptInfo(fd, 0)],
      ['VFIO_DEVICE_SET_IRQS', () => addon().vfioSetInterrupts(fd, 33, 0, 0, 0)],
      ['VFIO_IOMMU_UNMAP_DMA', () => addon().vfioUnmapDma(fd, 0n, PAGE)],
      ['VFIO_DEVICE_BIND_IOMMUFD', () => addon().vfioBindIommufd(fd, fd)],
      ['VFIO_DEVICE_ATTACH_IOMMUFD_PT', () => addon().vfioAttachIommufd(fd, 1)],
      ['VFIO_DEVICE_DETACH_IOMMUFD_PT', () => addon().vfioDetachIommufd(fd)],
      ['IOMMU_IOAS_ALLOC', () => addon().iommufdAllocIoas(fd)],
      ['IOMMU_IOAS_IOVA_RANGES', () => addon().iommufdIovaRanges(fd, 1)],
      ['IOMMU_IOAS_MAP', () => addon().iommufdMap(fd, 1, mapping, 0n, 7)],
      ['IOMMU_IOAS_UNMAP', () => addon().iommufdUnmap(fd, 1, 0n, PAGE)],
    ];
    for (const [syscall, call] of calls)
      expect(call, syscall).toThrow(expect.objectContaining({ syscall, code: 'ENOTTY' }));
  });

  it('take no descriptor, number or data of another size for another', () => {
    for (const fd of [-1, 2 ** 31, 2 ** 32 + 3, 0.5, Number.NaN])
      expect(() => addon().vfioDeviceInfo(fd)).toThrow(TypeError);
    expect(() => addon().vfioRegionInfo(0, 2 ** 32)).toThrow(TypeError);
    expect(() => addon().vfioUnmapDma(0, 1n << 64n, 1n)).toThrow(TypeError);
    expect(() => addon().vfioUnmapDma(0, 0 as unknown as bigint, 1n)).toThrow(TypeError);
    // Eventfds for two vectors, and one.
    expect(() => addon().vfioSetInterrupts(0, 36, 0, 0, 2, Int32Array.of(1))).toThrow(RangeError);
    expect(() => addon().vfioSetInterrupts(0, 36, 0, 0, 0xffff_ffff)).toThrow(RangeError);
    expect(() => addon().vfioRegionRead(0, 1n << 63n, new Uint8Array(4))).toThrow(code('EOVERFLOW'));
    for (const [offset, length] of [
      [0n, 0n],
      [1n, PAGE],
      [1n << 63n, PAGE],
      [0n, 1n << 63n],
    ] as const)
      expect(() => new (addon().VfioMapping)(0, offset, length, 3)).toThrow(code('EINVAL'));
  });
});
