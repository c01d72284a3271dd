import { expect, it } from 'vitest';

/** What a case saw in the twin, by its name. */
export type Saw = (name: string) => Record<string, unknown>;

export const refused = (code: string, message: RegExp) => ({ code, message: expect.stringMatching(message) });

/** How the two ways to an address space refuse a mapping. */
const mapping = {
  group: {
    twice: /VFIO_IOMMU_MAP_DMA failed with EEXIST/,
    tooMuch: /VFIO_IOMMU_MAP_DMA failed with ENOMEM: .*RLIMIT_MEMLOCK/,
  },
  iommufd: {
    twice: /IOMMU_IOAS_MAP failed with EEXIST/,
    tooMuch: /IOMMU_IOAS_MAP failed with ENOMEM: .*RLIMIT_MEMLOCK.* this user/,
  },
} as const;

/** What gpuvm/vfio does with a device is the same by way of groups and of iommufd: the cases of inside/vfio-cases.ts. */
export function itUsesDevices(via: 'group' | 'iommufd', saw: Saw): void {
  it('finds edu, its regions, its interrupts and what its IOMMU leaves it', () => {
    expect(saw('registers')).toMatchObject({
      via,
      info: { kind: 'pci', canReset: false, regionCount: 9, interruptCount: 5 },
      regions: [
        { name: 'bar0', sizeBytes: '0x100000', mappable: [{ offset: '0x0', sizeBytes: '0x100000' }] },
        { name: 'config', sizeBytes: '0x100', mappable: [] },
      ],
      interrupts: [
        { name: 'intx', count: 1, isMaskable: true, isAutomasked: true },
        { name: 'msi', count: 1, isMaskable: false, isAutomasked: false },
        { name: 'req' },
      ],
      // MSIs have their place in between.
      iommu: {
        pageSizeBytes: '0x1000',
        ranges: [{ first: '0x0', last: '0xfedfffff' }, { first: '0xfef00000' }],
      },
    });
  });

  it('reads and writes registers through a mapping', () => {
    const liveness = ~0x12345678 >>> 0;
    expect(saw('registers')).toMatchObject({ id: 0x010000ed, liveness, factorial: 3628800, isMapped: true });
    expect(saw('accesses')).toMatchObject({
      mapping: 0x010000ed,
      bytes: 'ed000001ff00ff00',
      buffer: [0x010000ed, 0x00ff00ff],
      outside: refused('GPUVM_USAGE', /beyond its end, 0x1000$/),
      unaligned: refused('GPUVM_USAGE', /4 bytes at 0x2 is not aligned/),
      large: refused('GPUVM_USAGE', /0x100 does not fit into 1 byte/),
    });
  });

  it('reads configuration space, which cannot be mapped, in every width', () => {
    const seen = saw('configuration');
    expect(seen).toMatchObject({
      wide: 0x11e81234,
      narrow: [0x1234, 0x11e8, 0x34, 0x12],
      map: refused('GPUVM_USAGE', /config cannot be mapped: use read and write/),
      end: refused('GPUVM_USAGE', /beyond its end/),
    });
    expect(seen.wider).toMatch(/^0x\w+11e81234$/);
    expect(seen.bytes).toMatch(/^3412e811/);
  });

  it('hears an MSI through an eventfd, and none once it is disposed of', () => {
    expect(saw('msi')).toMatchObject({
      // edu's, and the one that the kernel was asked to signal.
      heard: [
        { vector: 0, count: 1 },
        { vector: 0, count: 1 },
      ],
      status: 0x55,
      afterwards: 0,
      mask: refused('GPUVM_USAGE', /cannot be masked/),
      twice: refused('GPUVM_USAGE', /enabled already/),
      closed: refused('GPUVM_VFIO_CLOSED', /disposed of/),
    });
  });

  it('hears a level-triggered interrupt once, and again after unmask while the line is high', () => {
    const one = { vector: 0, count: 1 };
    expect(saw('levelInterrupt')).toMatchObject({
      first: one,
      whileMasked: 'none',
      stillHigh: one,
      afterAcknowledge: 'none',
      masked: 'none',
      unmasked: one,
      loop: 'ended',
    });
  });

  it("hears each of five MSI-X vectors, alone and together, and keeps their number to the device's", () => {
    expect(saw('msix')).toMatchObject({
      info: { name: 'msix', count: 5, isMaskable: false, isAutomasked: false },
      beyond: refused('GPUVM_USAGE', /6 vectors were asked for, and it has 1 to 5/),
      each: [['4: 1'], ['3: 1'], ['2: 1'], ['1: 1'], ['0: 1']],
      together: ['0: 1', '1: 1', '2: 1', '3: 1', '4: 1'],
      // VFIO leaves the masks in the vectors' table to whoever has the device.
      mask: refused('GPUVM_USAGE', /msix cannot be masked/),
      triggered: [[{ vector: 0, count: 1 }], [{ vector: 4, count: 1 }]],
      other: refused('GPUVM_VFIO', /VFIO_DEVICE_SET_IRQS failed with EINVAL/),
      again: { vector: 1, count: 1 },
    });
  });

  it('gives memory to edu, which copies it in and out by DMA', () => {
    expect(saw('dma')).toMatchObject({
      equal: true,
      next: '0x0',
      overlapping: refused('GPUVM_VFIO', mapping[via].twice),
      odd: refused('GPUVM_USAGE', /a multiple of 0x1000 bytes/),
      reserved: refused('GPUVM_USAGE', /cannot address 0xfee00000 to 0xfee00fff/),
    });
  });

  it('takes memory from edu: the IOMMU refuses the next access', () => {
    const { before, after, use } = saw('fault');
    expect(before).toBe(0);
    expect(after).toEqual([
      expect.stringMatching(/DMA Write.*\[00:10\.0\] fault addr 0x100000.*Write access is not set/),
    ]);
    expect(use).toMatchObject({ code: 'GPUVM_VFIO_CLOSED' });
  });

  it('gives memory for reading only, and for writing only', () => {
    expect(saw('oneWayMemory')).toEqual({ arrived: true, refused: true });
  });

  it('has two devices in one address space, and its memory when one has gone', () => {
    expect(saw('sharedSpace')).toMatchObject({
      early: refused('GPUVM_USAGE', /before its first device/),
      equal: true,
      still: 7,
      closed: { code: 'GPUVM_VFIO_CLOSED' },
      memory: true,
    });
  });

  it('resets e1000e, and says that edu has no reset', () => {
    const { e1000e, edu } = saw('resets') as Record<string, Record<string, unknown>>;
    expect(e1000e).toMatchObject({ canReset: true, afterwards: e1000e!.before });
    expect(edu).toMatchObject({ canReset: false, refused: refused('GPUVM_VFIO', /10\.0 has no reset/) });
  });

  it('survives a device that stops answering under a mapping', () => {
    const gone = refused('GPUVM_VFIO', /ended in a bus error: .*memory decoding is off/);
    expect(saw('decodingOff')).toEqual({
      before: 0x010000ed,
      read: gone,
      write: gone,
      bytes: gone,
      afterwards: 0x010000ed,
    });
  });

  it('says what to raise where memory may not be locked, and loses nothing by it', () => {
    expect(saw('memlock')).toMatchObject({
      status: 0,
      small: null,
      large: refused('GPUVM_VFIO', mapping[via].tooMuch),
      again: null,
    });
  });

  it('leaves nothing open and nothing mapped when it is disposed of', () => {
    const { before, meanwhile, after, again, buffers, uses } = saw('endsWhole');
    expect(before).toEqual([]);
    expect(meanwhile).toBeGreaterThan(4);
    expect(after).toEqual([]);
    // It can be opened at once.
    expect(again).toBe(null);
    expect(buffers).toEqual([0, 0]);
    expect(new Set(Object.values(uses as object))).toEqual(new Set(['GPUVM_VFIO_CLOSED']));
  });

  it('warns of a device that was forgotten, and closes it', () => {
    expect(saw('forgotten')).toEqual({
      warnings: [expect.stringMatching(/^VFIO_FORGOTTEN: 0000:00:10\.0 was forgotten/)],
      held: [],
      again: null,
    });
  });
}
