import type { BusDevice, PlatformBus } from '../../../src/qemu/platform-bus/index.js';

/**
 * hw/core/platform-bus.c retold as literally as TypeScript allows, patch included: loops over candidates, and a look at
 * everything in the address space for each. Slow on purpose; for small buses only.
 */
export interface ModelDevice {
  readonly regions: readonly (bigint | undefined)[];
  readonly spis: readonly number[];
}

/** What `memory_region_find` searches: the flat view of the whole address space. */
interface FlatView {
  isAnythingIn(address: bigint, size: bigint): boolean;
  add(address: bigint, size: bigint): void;
}

export function modelWith(view: FlatView, devices: readonly BusDevice[], bus: PlatformBus): ModelDevice[] {
  if (bus.ramSize > 0n) view.add(bus.ramBase, bus.ramSize);
  const usedIrqs: boolean[] = Array(bus.spis).fill(false);
  return devices.map((device) => {
    const spis: number[] = [];
    for (let n = 0; n < device.interrupts; n++) {
      const irqn = usedIrqs.indexOf(false);
      if (irqn < 0) break;
      usedIrqs[irqn] = true;
      spis.push(bus.firstSpi + irqn);
    }
    const regions = device.regions.map((size) => {
      const alignment = BigInt.asUintN(64, 1n << (63n - clz64(BigInt.asUintN(64, size + size - 1n))));
      const start = device.mmioBase ? device.mmioBase - bus.base : 0n;
      for (let off = start; off < bus.size; off += alignment) {
        if (view.isAnythingIn(bus.base + off, size)) continue;
        const seen = off + size > bus.size ? bus.size - off : size;
        view.add(bus.base + off, seen);
        return bus.base + off;
      }
      return undefined;
    });
    return { regions, spis };
  });
}

/** A flat view with a mark for every byte. */
export function bitmapView(bytes: number): FlatView {
  const marks = new Uint8Array(bytes);
  return {
    isAnythingIn(address, size) {
      for (let at = address; at < address + size && at < bytes; at++) if (marks[Number(at)]) return true;
      return false;
    },
    add: (address, size) => void marks.fill(1, Number(address), Number(address + size)),
  };
}

/** A flat view that lists what is in it. */
export function listView(): FlatView {
  const all: [first: bigint, last: bigint][] = [];
  return {
    isAnythingIn: (address, size) => all.some(([first, last]) => first < address + size && address <= last),
    add: (address, size) => void all.push([address, address + size - 1n]),
  };
}

function clz64(value: bigint): bigint {
  let count = 0n;
  for (let bit = 63n; bit >= 0n && ((value >> bit) & 1n) === 0n; bit--) count++;
  return count;
}
