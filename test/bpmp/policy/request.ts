import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import { mrqs } from '../../../src/bpmp/wire/index.js';

/** A small generator of its own, because a million requests are more than a property-testing library hands out. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 1;
  }

  /** 0 to `below` - 1. */
  next(below: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % below;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.next(from.length)]!;
  }
}

export interface Request {
  mrq: number;
  tx: Uint8Array;
}

const families = [...mrqs.keys()];
const buffer = new Uint8Array(64);
const view = new DataView(buffer.buffer);

/** An id that is near what a policy can name more often than not, and far beyond it now and then. */
function id(random: Random, maxId: number): number {
  const kind = random.next(16);
  if (kind > 1) return random.next(maxId + 2);
  const far = random.pick([0x1000, 0x1_0000, 0x80_0000, 0xff_f000]);
  return kind === 0 ? far + random.next(maxId + 1) : random.next(0x100_0000);
}

/** Bytes that are likely to be a request, often about one of the favourite clocks; valid until the next call. */
export function randomRequest(random: Random, favourites: readonly number[] = []): Request {
  for (let at = 0; at < buffer.length; at += 4) {
    view.setUint32(at, random.next(4) === 0 ? random.next(0x1_0000_0000) : random.next(3), true);
  }
  let mrq = random.pick([22, 22, 22, 22, 20, 66, 21, 75, 27, random.pick(families), random.next(200)]);
  if (random.next(500) === 0) mrq = 22 + 256 * random.next(0x1_0000);
  let length = random.next(4) === 0 ? random.next(65) : random.pick([4, 8, 12, 16, 16, 64]);
  if (mrq === 22) {
    const command =
      random.next(20) === 0 ? random.next(256) : random.pick([1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 8, 14, 15, 16]);
    const clock = (): number =>
      favourites.length > 0 && random.next(2) === 0
        ? random.pick(favourites)
        : id(random, tegra234.clocks.maxId);
    view.setUint32(0, command * 2 ** 24 + clock(), true);
    if (command === 5) view.setUint32(4, clock(), true);
    else {
      view.setUint32(8, random.pick([0, 1, 408_000_000, 1_300_000_000, 1_300_000_001, 0xffff_ffff]), true);
      view.setUint32(12, random.pick([0, 0, 0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]), true);
    }
  } else if (mrq === 20 || mrq === 66) {
    const { maxId } = mrq === 20 ? tegra234.resets : tegra234.powerDomains;
    view.setUint32(0, random.next(20) === 0 ? random.next(0x1_0000_0000) : random.next(6), true);
    view.setUint32(4, id(random, maxId), true);
    view.setUint32(8, random.pick([0, 0, 1, 1, 2, 256, 0xffff_ffff]), true);
  } else if (mrq === 21) {
    view.setUint32(0, random.next(10) === 0 ? random.next(4) : 1, true);
    view.setUint32(4, random.next(8), true);
    view.setUint32(8, random.pick([0, 6, 6, 12, 7, 52, 53, 0x1_0006]), true);
    view.setUint16(12, random.next(0x82), true);
    view.setUint16(14, random.pick([1, 1, 0, 0x11, 0x4001]), true);
    view.setUint16(16, random.next(4), true);
    length = random.pick([12, 18, 24, 64, 64, 64]);
  } else if (families.includes(mrq)) {
    view.setUint32(0, random.next(10) === 0 ? random.next(0x1_0000_0000) : random.next(8), true);
  }
  return { mrq, tx: buffer.subarray(0, length) };
}
