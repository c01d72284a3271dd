import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BusDevice,
  examinePlatformBus,
  orinVirt,
  type PlatformBus,
  stockVirt,
} from '../../../src/qemu/platform-bus/index.js';
import { bitmapView, listView, modelWith } from './model.js';

const KIB = 1024n;

/** A bus with everything near it, small enough for a bitmap. */
const smallBus = fc
  .record({
    base: fc.bigInt(0n, 64n),
    size: fc.bigInt(1n, 256n),
    spis: fc.nat(12),
    ramFrom: fc.bigInt(0n, 320n),
    ramSize: fc.bigInt(0n, 64n),
  })
  .map(
    ({ base, size, spis, ramFrom, ramSize }): PlatformBus => ({
      base,
      size,
      firstSpi: 112,
      spis,
      ramBase: base + ramFrom,
      ramSize,
      pageSize: 1n,
    }),
  );

const smallDevices = (bus: PlatformBus) =>
  fc.array(
    fc.record({
      host: fc.constantFrom('a', 'b', 'c'),
      mmioBase: fc.option(
        fc.bigInt(bus.base, bus.base + bus.size - 1n).map((at) => at || undefined),
        { nil: undefined },
      ),
      regions: fc.array(fc.oneof(fc.bigInt(1n, 40n), fc.bigInt(1n, 300n)), { maxLength: 3 }),
      interrupts: fc.nat(6),
    }),
    { maxLength: 10 },
  );

/** What the real machines may be given: sizes of pages and odd ones, at places that others have too. */
const realDevices = (bus: PlatformBus) =>
  fc.array(
    fc.record({
      host: fc.string({ maxLength: 4 }),
      mmioBase: fc.option(
        fc.bigInt(0n, bus.size / (64n * KIB) - 1n).map((at) => bus.base + at * 64n * KIB),
        { nil: undefined },
      ),
      // From 1 MiB on, so that the literal loop over the larger bus ends in time.
      regions: fc.array(
        fc.oneof(
          fc.bigInt(1024n, 8192n).map((kib) => kib * KIB),
          fc.bigInt(1n << 20n, 1n << 25n),
        ),
        { maxLength: 3 },
      ),
      interrupts: fc.nat(20),
    }),
    { maxLength: 8 },
  );

function ours(devices: readonly BusDevice[], bus: PlatformBus) {
  return examinePlatformBus(devices, bus).devices.map(({ regions, spis }) => ({
    regions: regions.map(({ address }) => address),
    spis,
  }));
}

describe("the platform bus's allocator", () => {
  it("is QEMU's on any small bus, byte by byte", () => {
    const cases = smallBus.chain((bus) => fc.tuple(fc.constant(bus), smallDevices(bus)));
    fc.assert(
      fc.property(cases, ([bus, devices]) => {
        expect(ours(devices, bus)).toEqual(modelWith(bitmapView(4096), devices, bus));
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['stock', { ...stockVirt, ramSize: 1n << 31n, pageSize: 4096n }],
    ['patched', { ...orinVirt, ramSize: 1n << 32n, pageSize: 4096n }],
    ['patched, with less RAM than the bus overlaps', { ...orinVirt, ramSize: 1n << 27n, pageSize: 4096n }],
  ])("is QEMU's on the %s machine", (_name, bus) => {
    fc.assert(
      fc.property(realDevices(bus), (devices) => {
        expect(ours(devices, bus)).toEqual(modelWith(listView(), devices, bus));
      }),
      { numRuns: 150 },
    );
  });

  it('takes no longer for thousands of regions, however scattered', () => {
    const bus = { ...orinVirt, ramSize: 1n << 32n, pageSize: 4096n };
    const sizes = Array.from({ length: 2000 }, (_, index) => (index % 2 ? 0x5000n : 0x1_1000n));
    const startMs = performance.now();
    const { devices } = examinePlatformBus([{ host: 'a', regions: sizes, interrupts: 0 }], bus);
    expect(performance.now() - startMs).toBeLessThan(5000);
    const places = devices[0]!.regions.map(({ address }) => address);
    expect(new Set(places).size).toBe(2000);
  });

  it('takes no longer for small regions behind a huge one, or for a bus that is full', () => {
    const bus = { ...orinVirt, ramSize: 1n << 32n, pageSize: 4096n };
    const huge = { host: 'huge', regions: [126n << 30n, (1n << 30n) - 4096n], interrupts: 0 };
    const many = Array.from({ length: 50 }, (_, index) => ({
      host: `small ${index}`,
      regions: [4096n, 1n],
      interrupts: 1,
    }));
    const startMs = performance.now();
    const { devices } = examinePlatformBus([huge, ...many], bus);
    expect(performance.now() - startMs).toBeLessThan(1000);
    expect(devices[0]!.regions[0]!.address).toBe(0x6000_0000n);
    expect(devices[1]!.regions[0]!.address).toBe(0x6000_0000n + (126n << 30n));
    expect(devices[50]!.regions[0]!.address).toBeTypeOf('bigint');
  });
});
