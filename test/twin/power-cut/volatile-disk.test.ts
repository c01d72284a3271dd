import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SECTOR, VolatileDisk } from '../../real/twin/power-cut/volatile-disk.js';

const sector = (byte: number) => Buffer.alloc(SECTOR, byte);
const disk = () => VolatileDisk.of(Buffer.concat([sector(1), sector(2), sector(3), sector(4)]));
const contents = (of: VolatileDisk) => Array.from({ length: 4 }, (_, at) => of.read(at * SECTOR, SECTOR)[0]);

describe('a disk with a cache that a power cut empties', () => {
  it('has what was written at once, and loses it without a flush', () => {
    const it = disk();
    it.write(SECTOR, sector(9));
    expect(contents(it)).toEqual([1, 9, 3, 4]);
    expect(contents(it.afterCut('nothing'))).toEqual([1, 2, 3, 4]);
    expect(contents(it.afterCut('everything'))).toEqual([1, 9, 3, 4]);
    it.flush();
    expect(contents(it.afterCut('nothing'))).toEqual([1, 9, 3, 4]);
    expect(it.unflushed).toBe(0);
  });

  it('keeps of a write with FUA that write, and no other', () => {
    const it = disk();
    it.write(0, sector(7));
    it.write(SECTOR, sector(8));
    it.flushPart(SECTOR, SECTOR);
    expect(contents(it.afterCut('nothing'))).toEqual([1, 8, 3, 4]);
  });

  it('is not changed by looking at what a cut would leave, nor by what is done with that', () => {
    const it = disk();
    it.write(0, sector(7));
    const cut = it.afterCut('nothing');
    cut.write(0, sector(8));
    cut.flush();
    expect(contents(it)).toEqual([7, 2, 3, 4]);
  });

  it('keeps bytes of its own', () => {
    const it = disk();
    const bytes = sector(5);
    it.write(0, bytes);
    bytes.fill(6);
    expect(contents(it)[0]).toBe(5);
  });

  it('writes zeros over what was there', () => {
    const it = disk();
    it.write(0, sector(0));
    it.flush();
    expect(contents(it.afterCut('nothing'))[0]).toBe(0);
  });

  it('keeps of each sector any content since the last flush, with a seed the same one again', () => {
    const it = disk();
    for (const byte of [10, 11]) it.write(0, Buffer.concat([sector(byte), sector(byte + 10)]));
    const seen = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      const kept = contents(it.afterCut(seed));
      expect(contents(it.afterCut(seed))).toEqual(kept);
      expect(kept.slice(2)).toEqual([3, 4]);
      seen.add(kept.slice(0, 2).join());
    }
    // Old, first and second of either, in whatever order they came: torn and reordered ones too.
    const both = [1, 10, 11].flatMap((first) => [2, 20, 21].map((second) => `${first},${second}`));
    expect([...seen].sort()).toEqual(both.sort());
  });

  it('keeps or loses its beginning as one, where it is told to', () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 50; seed++) {
      const it = VolatileDisk.of(Buffer.alloc(4 * SECTOR), { undividedBytes: 2 * SECTOR });
      it.write(0, Buffer.alloc(2 * SECTOR, 1));
      it.write(0, Buffer.alloc(SECTOR, 2));
      seen.add(contents(it.afterCut(seed)).slice(0, 2).join());
    }
    expect(seen).toEqual(new Set(['0,0', '2,1']));
  });

  it('refuses what is not whole sectors of it', () => {
    const it = disk();
    for (const [offset, length] of [
      [1, SECTOR],
      [0, 100],
      [4 * SECTOR, SECTOR],
      [-SECTOR, SECTOR],
    ] as const)
      expect(() => it.read(offset, length)).toThrow(RangeError);
  });

  it('reads as a plain disk does, whatever is flushed in between', () => {
    const step = fc.record({
      at: fc.nat(7),
      sectors: fc.integer({ min: 1, max: 4 }),
      byte: fc.nat(255),
      flush: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step), fc.nat(), (steps, seed) => {
        const plain = Buffer.alloc(12 * SECTOR);
        const it = VolatileDisk.of(plain);
        const durable = Buffer.alloc(plain.length);
        for (const { at, sectors, byte, flush } of steps) {
          plain.fill(byte, at * SECTOR, (at + sectors) * SECTOR);
          it.write(at * SECTOR, Buffer.alloc(sectors * SECTOR, byte));
          if (!flush) continue;
          it.flush();
          plain.copy(durable);
        }
        expect(it.image().equals(plain)).toBe(true);
        expect(it.afterCut('nothing').image().equals(durable)).toBe(true);
        expect(it.afterCut('everything').image().equals(plain)).toBe(true);
        it.flush();
        expect(it.afterCut(seed).image().equals(plain)).toBe(true);
      }),
    );
  });
});
