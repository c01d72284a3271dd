import { describe, expect, it } from 'vitest';
import {
  type BusDevice,
  examinePlatformBus,
  layoutPlatformBus,
  orinVirt,
  stockVirt,
} from '../../../src/qemu/platform-bus/index.js';

const orin = { ...orinVirt, ramSize: 4n << 30n, pageSize: 0x1000n };
const stock = { ...stockVirt, ramSize: 4n << 30n, pageSize: 0x1000n };

function device(host: string, regions: bigint[], more: Partial<BusDevice> = {}): BusDevice {
  return { host, regions, interrupts: 0, ...more };
}

function told(devices: BusDevice[], bus = orin) {
  return examinePlatformBus(devices, bus).problems.map(
    ({ status, device, key, message }) => `${status} ${devices[device]!.host} ${key}: ${message}`,
  );
}

describe('layoutPlatformBus', () => {
  it('puts carve-outs where they must be, and the rest between them', () => {
    const placed = layoutPlatformBus(
      [
        device('60000000.vm_hs_p', [0x400_0000n], { mmioBase: 0x6000_0000n }),
        device('80000000.vm_cma_p', [0x3000_0000n], { mmioBase: 0x8000_0000n }),
        device('100000000.vm_cma_vram_p', [0x1_0000_0000n], { mmioBase: 0x1_0000_0000n }),
        device('17000000.gpu', [0x100_0000n, 0x100_0000n], { interrupts: 4 }),
        device('15340000.vic', [0x4_0000n], { interrupts: 1 }),
      ],
      orin,
    );
    expect(placed.map(({ regions }) => regions.map(({ address }) => address))).toEqual([
      [0x6000_0000n],
      [0x8000_0000n],
      [0x1_0000_0000n],
      [0x6400_0000n, 0x6500_0000n],
      [0x6600_0000n],
    ]);
    expect(placed.map(({ spis }) => spis)).toEqual([[], [], [], [112, 113, 114, 115], [116]]);
  });

  it('aligns to the size, rounded up to a power of two', () => {
    const [tpm, other] = layoutPlatformBus(
      [device('tpm', [0x5000n]), device('other', [0x5000n, 0x1000n])],
      stock,
    );
    expect(tpm!.regions).toEqual([{ address: 0x0c00_0000n, size: 0x5000n }]);
    expect(other!.regions.map(({ address }) => address)).toEqual([0x0c00_8000n, 0x0c00_5000n]);
  });

  it('counts candidates from mmio-base, whatever the alignment', () => {
    const odd = device('a', [0x1_0000n], { mmioBase: 0x6000_1000n });
    expect(layoutPlatformBus([odd], orin)[0]!.regions[0]!.address).toBe(0x6000_1000n);
  });

  it('throws with every mistake', () => {
    const bad = [
      device('a', [0n]),
      device('b', [0x1001n], { mmioBase: 0x7000_0000n }),
      device('c', [], { interrupts: 65 }),
    ];
    expect(() => layoutPlatformBus(bad, orin)).toThrowError(
      expect.objectContaining({
        code: 'GPUVM_CONFIG',
        details: {
          mistakes: [
            'a: region 1 has no size: QEMU cannot map it',
            'b: region 1 of 0x1001 bytes is not of whole pages of 4 KiB: the host cannot map it into the guest',
            "c: has 65 interrupts, and 64 of the platform bus's 64 are left: QEMU would not start",
          ],
        },
      }),
    );
  });
});

describe('examinePlatformBus refuses', () => {
  const cma = device('80000000.cma', [0x3000_0000n], { mmioBase: 0x8000_0000n });

  it('an overlap, and says what the guest would get', () => {
    expect(told([cma, device('90000000.b', [0x1000n], { mmioBase: 0x9000_0000n })])).toEqual([
      'fail 90000000.b mmioBase: mmioBase 0x90000000 overlaps 80000000.cma region 1 (0x80000000 to 0xafffffff): the guest would silently get 0xb0000000 instead; change it, or name the device before the one in its way',
    ]);
  });

  it('an mmio-base whose place an earlier device took', () => {
    const late = device('60000000.hs', [0x400_0000n], { mmioBase: 0x6000_0000n });
    expect(told([device('17000000.gpu', [0x1000n]), late])).toEqual([
      expect.stringMatching(/overlaps 17000000\.gpu region 1 .* silently get 0x64000000 instead/),
    ]);
  });

  it('an mmio-base in RAM', () => {
    expect(told([device('a', [0x1000n], { mmioBase: 0x20_0000_0000n })])).toEqual([
      "fail a mmioBase: mmioBase 0x2000000000 overlaps the guest's RAM (0x2000000000 to 0x20ffffffff), and region 1 (4 KiB) finds no room on the platform bus, aligned to 4 KiB: QEMU would not start",
    ]);
  });

  it('an mmio-base outside of the bus, and one that is none', () => {
    const at = (mmioBase: bigint) => told([device('a', [0x1000n], { mmioBase })]);
    for (const outside of [0x5fff_f000n, 0x20_2000_0000n]) {
      expect(at(outside)).toEqual([
        expect.stringMatching(/outside of the platform bus, 0x60000000 to 0x201fffffff/),
      ]);
    }
    expect(at(0n)).toEqual([expect.stringMatching(/what QEMU takes for none/)]);
  });

  it('a region beyond the bus, and one without room', () => {
    expect(told([device('a', [0x300_0000n])], stock)).toEqual([
      "fail a regions: region 1 (48 MiB) would be at 0xc000000 to 0xeffffff, beyond the platform bus's end 0xdffffff: the guest would not see all of it",
    ]);
    expect(told([device('a', [0x100_0000n]), device('b', [0x200_0000n])], stock)).toEqual([
      'fail b regions: region 1 (32 MiB) finds no room on the platform bus, aligned to 32 MiB: QEMU would not start',
    ]);
  });

  it('sizes that cannot be', () => {
    for (const size of [0n, (1n << 63n) + 1n, 1n << 64n]) {
      const problems = told([device('a', [size])]);
      expect(problems, `${size}`).toHaveLength(1);
      expect(problems[0]).toMatch(/^fail a regions/);
    }
  });

  it("what is not of the host's pages", () => {
    const bus = { ...orin, pageSize: 0x1_0000n };
    // Registers are reached all the same, memory is not.
    expect(told([device('a', [0x1000n])], bus)).toEqual([
      expect.stringMatching(/^warn .*whole pages of 64 KiB.*through QEMU/),
    ]);
    expect(told([device('a', [0x1000n], { mmioBase: 0x6000_0000n })], bus)).toEqual([
      expect.stringMatching(/^fail .*whole pages of 64 KiB/),
    ]);
    expect(told([device('a', [0x1_0000n], { mmioBase: 0x6000_1000n })], bus)).toEqual([
      "fail a regions: region 1 (64 KiB) would be at 0x60001000, which is not aligned to the host's pages of 64 KiB".replace(
        'regions',
        'mmioBase',
      ),
    ]);
  });

  it('too many interrupts, of the device that has them too', () => {
    const devices = [device('a', [], { interrupts: 60 }), device('b', [], { interrupts: 5 })];
    expect(told(devices)).toEqual([
      "fail b interrupts: has 5 interrupts, and 4 of the platform bus's 64 are left: QEMU would not start",
    ]);
    expect(examinePlatformBus(devices, orin).devices[1]!.spis).toEqual([172, 173, 174, 175]);
  });

  it('a device that is there twice', () => {
    expect(told([device('a', []), device('a', [])])).toEqual(['fail a host: is the same device as number 1']);
  });
});

describe('examinePlatformBus warns', () => {
  it('of a region where the bus overlaps RAM', () => {
    const bus = { ...orin, ramSize: 128n << 20n };
    const problems = told([device('a', [0x1_0000n], { mmioBase: 0x20_1000_0000n })], bus);
    expect(problems).toEqual([expect.stringMatching(/^warn a .*overlaps RAM's addresses from 0x2000000000/)]);
  });

  it("of further regions behind a device's mmio-base", () => {
    const problems = told([device('a', [0x1_0000n, 0x1000n], { mmioBase: 0x8000_0000n })]);
    expect(problems).toEqual([expect.stringMatching(/^warn a regions: .*region 2 .* at 0x80010000/)]);
  });
});
