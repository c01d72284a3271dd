import type { BusDevice, PlatformBus } from './bus.js';
import { Intervals } from './intervals.js';

/** What is taken of the guest's address space, its end not included. */
export interface Taken {
  readonly start: bigint;
  readonly end: bigint;
  /** For messages: `17000000.gpu region 1`, or `the guest's RAM`. */
  readonly what: string;
}

/** Where one region came to lie; undefined where QEMU finds no room and exits. */
export interface Placement {
  readonly size: bigint;
  readonly address: bigint | undefined;
  /** Where a `mmio-base` was asked for: what was in the way of it. */
  readonly inTheWay: readonly Taken[];
}

const WORD = 1n << 64n;

/**
 * A region's size rounded up to a power of two, as QEMU computes it:
 * `1ULL << (63 - clz64(size + size - 1))`, in 64 bits that wrap.
 */
export function alignmentOf(size: bigint): bigint {
  const doubled = (2n * size - 1n + WORD) % WORD;
  return 1n << BigInt(doubled.toString(2).length - 1);
}

/**
 * The allocator of QEMU's hw/core/platform-bus.c, with the patch's start offset. Devices are linked to the bus in the
 * order of the command line: first each of a device's interrupts, the lowest free one, then each of its regions.
 *
 * A candidate is free where `memory_region_find` meets nothing, and that looks not at the bus but at the whole address
 * space: where RAM is, no region goes. QEMU tries one candidate after another; here those that the same taken interval
 * spoils are passed over at once, so the time depends on the number of regions and not on the bus's size.
 */
export class Allocator {
  readonly #bus: PlatformBus;
  /** By name, for messages. */
  readonly #taken: Taken[] = [];
  readonly #intervals = new Intervals();
  #usedSpis = 0;

  constructor(bus: PlatformBus) {
    this.#bus = bus;
    const { ramBase, ramSize } = bus;
    if (ramSize > 0n) this.#take({ start: ramBase, end: ramBase + ramSize, what: "the guest's RAM" });
  }

  /** As many of the interrupts as are left. None is ever given back, so the lowest free one is the next one. */
  takeSpis(count: number): number[] {
    const { firstSpi, spis } = this.#bus;
    const fitting = Math.min(count, spis - this.#usedSpis);
    const first = firstSpi + this.#usedSpis;
    this.#usedSpis += fitting;
    return Array.from({ length: fitting }, (_, index) => first + index);
  }

  /** Takes room for one region. The size is more than 0 and at most 2^63. */
  takeRegion({ host, mmioBase }: BusDevice, index: number, size: bigint): Placement {
    const { base, size: busSize } = this.#bus;
    const start = mmioBase || base;
    const inTheWay = mmioBase
      ? this.#taken.filter((other) => other.start < start + size && start < other.end)
      : [];
    const address = this.#firstFree(start, size);
    if (address !== undefined) {
      // The bus clips what reaches beyond it, and only what can be seen is in the way of others.
      const busEnd = base + busSize;
      const beyond = address + size > busEnd;
      this.#take({
        start: address,
        end: beyond ? busEnd : address + size,
        what: `${host} region ${index + 1}`,
      });
    }
    return { size, address, inTheWay };
  }

  #take(taken: Taken): void {
    this.#taken.push(taken);
    this.#intervals.add(taken.start, taken.end);
  }

  #firstFree(start: bigint, size: bigint): bigint | undefined {
    const { base, size: busSize } = this.#bus;
    const alignment = alignmentOf(size);
    let candidate = start;
    while (candidate < base + busSize) {
      const behind = this.#intervals.lastEndIn(candidate, candidate + size);
      if (behind === undefined) return candidate;
      candidate += ((behind - candidate + alignment - 1n) / alignment) * alignment;
    }
    return undefined;
  }
}
