import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GpuvmError } from '../../../src/errors.js';
import { parseCapabilities } from '../../../src/vfio/device/capabilities.js';
import { parseDeviceInfo, parseInterruptInfo, parseRegionInfo } from '../../../src/vfio/device/info.js';
import { parseIommuInfo } from '../../../src/vfio/device/iommu-info.js';
import { regionInfo, sparse, withCapabilities, words } from './bytes.js';

const impossible = expect.objectContaining({
  code: 'GPUVM_VFIO',
  message: expect.stringMatching(/which cannot be/),
});

function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Whatever it is, it is refused by the one error, or what comes of it keeps its promises. */
function orRefused<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (!GpuvmError.is(error, 'GPUVM_VFIO')) throw error;
    return undefined;
  }
}

describe('the chain of capabilities', () => {
  it('is read in its order, each with its bytes', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            id: fc.nat(0xffff),
            version: fc.nat(0xffff),
            data: fc.uint8Array({ minLength: 0, maxLength: 40 }),
          }),
          { maxLength: 8 },
        ),
        (specs) => {
          const bytes = withCapabilities(new Uint8Array(32), 12, specs);
          const first = new DataView(bytes.buffer).getUint32(12, true);
          const read = parseCapabilities(bytes, first, 32, 'it').map(({ id, version, data }) => ({
            id,
            version,
            data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
          }));
          expect(read.map(({ data, ...rest }) => ({ ...rest, data: [...data] }))).toEqual(
            specs.map(({ data, ...rest }) => ({ ...rest, data: [...data] })),
          );
        },
      ),
    );
  });

  it.each([
    ['inside of the fixed part', 8],
    ['over its last bytes', 57],
    ['behind it', 64],
    ['far behind it', 0xffff_fff8],
  ])('is refused where it begins %s', (_, first) => {
    expect(thrown(() => parseCapabilities(new Uint8Array(64), first, 32, 'it'))).toEqual(impossible);
  });

  it.each([
    ['to itself', 32],
    ['into itself', 36],
    ['back', 1],
    ['out', 61],
  ])('is refused where it goes %s', (_, next) => {
    const bytes = new Uint8Array(64);
    new DataView(bytes.buffer).setUint32(36, next, true);
    expect(thrown(() => parseCapabilities(bytes, 32, 32, 'it'))).toEqual(impossible);
  });

  it('has an end and stays inside, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(220), (bytes, first) => {
        const capabilities = orRefused(() => parseCapabilities(bytes, first, 16, 'it')) ?? [];
        for (const { data } of capabilities) {
          expect(data.byteOffset).toBeGreaterThanOrEqual(bytes.byteOffset + 24);
          expect(data.byteOffset + data.byteLength).toBeLessThanOrEqual(bytes.byteOffset + bytes.byteLength);
        }
        expect(capabilities.length).toBeLessThanOrEqual(bytes.length / 8);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a region', () => {
  const parse = (bytes: Uint8Array, index = 0) => parseRegionInfo(bytes, index, 'pci', 'gpu');

  it('can be mapped whole, in the parts that are listed, or not at all', () => {
    const whole = parse(regionInfo({ index: 0, flags: 7, size: 0x2000n, offset: 1n << 40n }));
    expect(whole).toMatchObject({ name: 'bar0', fileOffset: 1n << 40n, isReadable: true, isWritable: true });
    expect(whole.mappable).toEqual([{ offset: 0n, sizeBytes: 0x2000n }]);
    const parts = sparse([0n, 0x1000n], [0x3000n, 0x5000n]);
    expect(parse(regionInfo({ index: 0, flags: 7, size: 0x8000n, capabilities: [parts] })).mappable).toEqual([
      { offset: 0n, sizeBytes: 0x1000n },
      { offset: 0x3000n, sizeBytes: 0x5000n },
    ]);
    expect(parse(regionInfo({ index: 0, flags: 3, size: 0x100n })).mappable).toEqual([]);
    // Without the flag the list says nothing.
    expect(parse(regionInfo({ index: 0, flags: 3, size: 0x8000n, capabilities: [parts] })).mappable).toEqual(
      [],
    );
  });

  it('of 4 GiB and more is read at full width', () => {
    const size = (1n << 32n) + 0x1000n;
    expect(parse(regionInfo({ index: 0, flags: 7, size })).mappable).toEqual([
      { offset: 0n, sizeBytes: size },
    ]);
  });

  it('has a type where only its driver knows it', () => {
    const type = { id: 2, data: words(0x8000_10de, 1) };
    expect(parse(regionInfo({ index: 9, flags: 3, size: 1n, capabilities: [type] }), 9)).toMatchObject({
      name: 'region9',
      type: { type: 0x8000_10de, subtype: 1 },
    });
  });

  it.each([
    ['is another one', regionInfo({ index: 1, flags: 7, size: 1n })],
    [
      'ends beyond what a file can be',
      regionInfo({ index: 0, flags: 7, size: 2n, offset: (1n << 63n) - 1n }),
    ],
    [
      'has a part beyond its end',
      regionInfo({ index: 0, flags: 7, size: 0x1000n, capabilities: [sparse([0x1000n, 1n])] }),
    ],
    [
      'has a part that wraps round',
      regionInfo({
        index: 0,
        flags: 7,
        size: 0x1000n,
        capabilities: [sparse([0xffff_ffff_ffff_f000n, 0x2000n])],
      }),
    ],
    [
      'has a part of nothing',
      regionInfo({ index: 0, flags: 7, size: 0x1000n, capabilities: [sparse([0n, 0n])] }),
    ],
    [
      'lists more parts than there are',
      regionInfo({ index: 0, flags: 7, size: 0x1000n, capabilities: [{ id: 1, data: words(3, 0, 0n, 1n) }] }),
    ],
    [
      'has a list without a length',
      regionInfo({ index: 0, flags: 7, size: 0x1000n, capabilities: [{ id: 1, data: words(3) }] }),
    ],
    [
      'has half a type',
      regionInfo({ index: 0, flags: 7, size: 0x1000n, capabilities: [{ id: 2, data: words(3) }] }),
    ],
    ['is cut short', regionInfo({ index: 0, flags: 7, size: 1n }).subarray(0, 31)],
  ])('is refused where it %s', (_, bytes) => {
    expect(thrown(() => parse(bytes))).toEqual(impossible);
  });

  it('stays inside of itself, whatever the bytes are', () => {
    const hostile = fc
      .tuple(fc.uint8Array({ minLength: 0, maxLength: 160 }), fc.boolean(), fc.nat(120))
      .map(([bytes, isPlausible, first]) => {
        // Mostly such that the first checks are passed.
        if (isPlausible && bytes.length >= 32) bytes.set(words(32, 15, 0, first, 0x10000n, 0n));
        return bytes;
      });
    fc.assert(
      fc.property(hostile, (bytes) => {
        const region = orRefused(() => parse(bytes));
        for (const { offset, sizeBytes } of region?.mappable ?? []) {
          expect(sizeBytes).toBeGreaterThan(0n);
          expect(offset + sizeBytes).toBeLessThanOrEqual(region!.sizeBytes);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('a device', () => {
  it('says what it is and how much it has', () => {
    expect(parseDeviceInfo(words(20, 3, 9, 5, 0), 'gpu')).toEqual({
      kind: 'pci',
      canReset: true,
      regionCount: 9,
      interruptCount: 5,
    });
    expect(parseDeviceInfo(words(20, 4, 2, 1, 0), 'gpu')).toMatchObject({
      kind: 'platform',
      canReset: false,
    });
  });

  it.each([
    ['regions', words(20, 2, 0xffff_ffff, 1, 0)],
    ['interrupts', words(20, 2, 1, 1025, 0)],
  ])('is not believed with so many %s', (_, bytes) => {
    expect(thrown(() => parseDeviceInfo(bytes, 'gpu'))).toEqual(impossible);
  });

  it('has interrupts of both kinds, and none with vectors beyond number', () => {
    expect(parseInterruptInfo(words(16, 7, 0, 1), 0, 'platform', 'gpu')).toEqual({
      index: 0,
      name: 'irq0',
      count: 1,
      hasEventfd: true,
      isMaskable: true,
      isAutomasked: true,
    });
    expect(thrown(() => parseInterruptInfo(words(16, 7, 2, 0xffff_ffff), 2, 'pci', 'gpu'))).toEqual(
      impossible,
    );
    expect(thrown(() => parseInterruptInfo(words(16, 7), 2, 'pci', 'gpu'))).toEqual(impossible);
  });
});

describe('an IOMMU', () => {
  const fixed = (flags: number, sizes: bigint) => new Uint8Array([...words(24, flags, sizes, 0), 0, 0, 0, 0]);

  it('says its page size and what it can address', () => {
    const ranges = { id: 1, data: words(2, 0, 0n, 0xfedf_ffffn, 0xfef0_0000n, (1n << 64n) - 1n) };
    expect(parseIommuInfo(withCapabilities(fixed(3, 0x4020_1000n), 16, [ranges]), 'it')).toEqual({
      pageSizeBytes: 0x1000n,
      ranges: [
        { first: 0n, last: 0xfedf_ffffn },
        { first: 0xfef0_0000n, last: (1n << 64n) - 1n },
      ],
    });
    // Linux before 5.4 tells no ranges, and one before 3.10 no sizes.
    expect(parseIommuInfo(fixed(0, 0n), 'it')).toEqual({ pageSizeBytes: 4096n, ranges: [] });
  });

  it.each([
    ['no page size', fixed(1, 0n)],
    [
      'a range that ends before it begins',
      withCapabilities(fixed(3, 0x1000n), 16, [{ id: 1, data: words(1, 0, 2n, 1n) }]),
    ],
    [
      'ranges that are not there',
      withCapabilities(fixed(3, 0x1000n), 16, [{ id: 1, data: words(9, 0, 2n, 3n) }]),
    ],
  ])('is refused with %s', (_, bytes) => {
    expect(thrown(() => parseIommuInfo(bytes, 'it'))).toEqual(impossible);
  });
});
