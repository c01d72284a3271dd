import { GpuvmError } from '../../errors.js';
import { indexBelow, wrong } from './arguments.js';
import { asking } from './failure.js';
import { findDevice } from './find.js';
import { Holdings, watchForForgotten } from './holdings.js';
import {
  absentInterrupt,
  absentRegion,
  type DeviceInfo,
  type InterruptInfo,
  parseDeviceInfo,
  parseInterruptInfo,
  parseRegionInfo,
  type RegionInfo,
} from './info.js';
import { type InterruptRequest, VfioInterrupt } from './interrupt.js';
import { realKernel, type VfioKernel } from './kernel.js';
import type { MemoryRequest, VfioMemory } from './memory.js';
import { type RegionOwner, VfioRegion } from './region.js';
import { type AddressSpaceOptions, VfioAddressSpace } from './space.js';

export interface OpenOptions extends AddressSpaceOptions {
  /** The address space that it is to be in; it stays its owner's. Default: one of its own. */
  readonly space?: VfioAddressSpace;
}

/**
 * A device of this host, used from this process through VFIO. It must be bound (`gpuvm devices bind`), and nobody else may
 * have its group. All of it is synchronous, and blocks for as long as the kernel and the device take.
 *
 * It owns what is made of it: {@link dispose} disables interrupts, unmaps regions, closes the device, takes its memory
 * back and lets the group go, in this order. Everything of it throws GPUVM_VFIO_CLOSED from then on. One that is
 * forgotten is closed when it is collected, with a warning.
 */
export class VfioDevice {
  readonly name: string;
  readonly info: DeviceInfo;
  /** All that the kernel numbers, those of size 0 too. */
  readonly regions: readonly RegionInfo[];
  readonly interrupts: readonly InterruptInfo[];
  readonly space: VfioAddressSpace;
  readonly #owner: RegionOwner;
  /** Of the device and, where it is its own, of its address space. */
  readonly #holdings: Holdings;
  readonly #regions = new Map<number, VfioRegion>();
  readonly #enabled = new Map<number, VfioInterrupt>();

  private constructor(
    name: string,
    space: VfioAddressSpace,
    { kernel, fd, holdings }: { kernel: VfioKernel; fd: number; holdings: Holdings },
    all: Holdings,
  ) {
    this.name = name;
    this.space = space;
    this.#holdings = all;
    this.info = parseDeviceInfo(
      asking(name, () => kernel.vfioDeviceInfo(fd)),
      name,
    );
    const { kind, regionCount, interruptCount } = this.info;
    this.#owner = { kernel, fd, kind, holdings, device: this };
    this.regions = Array.from({ length: regionCount }, (_, index) => {
      const bytes = ifThere(name, () => kernel.vfioRegionInfo(fd, index));
      return bytes ? parseRegionInfo(bytes, index, kind, name) : absentRegion(index, kind);
    });
    this.interrupts = Array.from({ length: interruptCount }, (_, index) => {
      const bytes = ifThere(name, () => kernel.vfioInterruptInfo(fd, index));
      return bytes ? parseInterruptInfo(bytes, index, kind, name) : absentInterrupt(index, kind);
    });
    watchForForgotten(this, all);
  }

  /**
   * Opens a device by its name in sysfs. Throws GPUVM_DEVICE where it is not there or not with VFIO, GPUVM_VFIO where the
   * kernel refuses.
   */
  static open(name: string, options: OpenOptions = {}, kernel: VfioKernel = realKernel()): VfioDevice {
    if (typeof name !== 'string' || name === '') throw wrong('a device has a name');
    const own = options.space === undefined ? new Holdings(name) : undefined;
    const space = options.space ?? new VfioAddressSpace(kernel, options, own!);
    try {
      const attached = space.attach(findDevice(name, space.sysroot));
      try {
        return new VfioDevice(name, space, { kernel, ...attached }, own ?? attached.holdings);
      } catch (error) {
        attached.holdings.close();
        throw error;
      }
    } catch (error) {
      own?.close();
      throw error;
    }
  }

  get isDisposed(): boolean {
    return this.#owner.holdings.isClosed;
  }

  /** A region by name or number; the same object each time. Throws GPUVM_USAGE where the device has none. */
  region(which: string | number): VfioRegion {
    this.#owner.holdings.requireOpen();
    const info = this.#find(this.regions, which, 'region');
    if (info.sizeBytes === 0n) throw wrong(`${this.name} has no region ${info.name}`);
    let region = this.#regions.get(info.index);
    region ??= new VfioRegion(this.#owner, info);
    this.#regions.set(info.index, region);
    return region;
  }

  /**
   * Enables interrupts by name or number: `msi`, `intx`, `irq0`. Of a PCI function one of intx, msi and msix can be
   * enabled at a time.
   */
  enableInterrupt(which: string | number, request: InterruptRequest = {}): VfioInterrupt {
    this.#owner.holdings.requireOpen();
    const info = this.#find(this.interrupts, which, 'interrupt');
    if (this.#enabled.get(info.index)?.isDisposed === false)
      throw wrong(`${this.name}: interrupt ${info.name} is enabled already`);
    const interrupt = new VfioInterrupt(this.#owner, info, request);
    this.#enabled.set(info.index, interrupt);
    return interrupt;
  }

  /** Memory for this device and those that share its address space. */
  allocate(request: MemoryRequest): VfioMemory {
    this.#owner.holdings.requireOpen();
    return this.space.allocate(request);
  }

  /** Throws GPUVM_VFIO where the device has no reset. */
  reset(): void {
    const { kernel, fd, holdings } = this.#owner;
    holdings.requireOpen();
    if (!this.info.canReset)
      throw new GpuvmError('GPUVM_VFIO', `${this.name} has no reset: only its own driver can set it back`, {
        details: { call: 'VFIO_DEVICE_RESET', subject: this.name },
      });
    asking(this.name, () => kernel.vfioDeviceReset(fd));
  }

  dispose(): void {
    this.#holdings.close();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #find<T extends { readonly index: number; readonly name: string }>(
    all: readonly T[],
    which: string | number,
    what: string,
  ): T {
    if (typeof which === 'number') return all[indexBelow(which, Math.max(all.length, 1), `a ${what}`)]!;
    const found = all.find(({ name }) => name === which);
    if (found) return found;
    throw wrong(
      `${this.name} has no ${what} ${JSON.stringify(which)}: it has ${all.map(({ name }) => name).join(', ') || 'none'}`,
    );
  }
}

/** Undefined where the device does not have that one: vfio-pci answers EINVAL for the VGA region of most, say. */
function ifThere(name: string, ask: () => Uint8Array): Uint8Array | undefined {
  return asking(name, () => {
    try {
      return ask();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EINVAL') return undefined;
      throw error;
    }
  });
}
