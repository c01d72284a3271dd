import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MapAccess } from './abi.js';
import { size, u64, wrong } from './arguments.js';
import type { Backend } from './backend.js';
import { Container } from './container.js';
import { asking } from './failure.js';
import type { DevicePlace } from './find.js';
import { Holdings, watchForForgotten } from './holdings.js';
import type { IommuInfo } from './iommu-info.js';
import { Iommufd } from './iommufd.js';
import { realKernel, type VfioKernel } from './kernel.js';
import { type MemoryRequest, VfioMemory } from './memory.js';

export interface AddressSpaceOptions {
  /**
   * The kernel's way: a container with groups, or iommufd. Default: groups where the first device's group has a node,
   * else iommufd.
   */
  readonly via?: 'group' | 'iommufd';
  /** Where /sys, /proc and /dev are. Default: `/`. */
  readonly sysroot?: string;
}

/**
 * What devices see of memory: addresses of our choice (IOVAs), and behind them what was allocated here. Devices in one
 * space share them. Disposing of it disposes of its devices first, of its memory then, and lets the groups go.
 */
export class VfioAddressSpace {
  readonly sysroot: string;
  readonly #kernel: VfioKernel;
  readonly #wanted: 'group' | 'iommufd' | undefined;
  readonly #holdings: Holdings;
  // In this order, closed from the last to the first: a device must not write to memory that is given up.
  readonly #base: Holdings;
  readonly #memories: Holdings;
  readonly #devices: Holdings;
  #backend: Backend | undefined;

  /** @internal Use {@link open}. */
  constructor(kernel: VfioKernel, options: AddressSpaceOptions, holdings: Holdings) {
    this.#kernel = kernel;
    this.sysroot = options.sysroot ?? '/';
    this.#wanted = options.via;
    this.#holdings = holdings;
    this.#base = new Holdings('the address space', holdings);
    this.#memories = new Holdings('DMA memory', holdings);
    this.#devices = new Holdings('devices', holdings);
  }

  /** An empty one, for several devices. Nothing is opened before the first device comes. */
  static open(options: AddressSpaceOptions = {}, kernel: VfioKernel = realKernel()): VfioAddressSpace {
    const holdings = new Holdings('a VFIO address space');
    const space = new VfioAddressSpace(kernel, options, holdings);
    watchForForgotten(space, holdings);
    return space;
  }

  get isDisposed(): boolean {
    return this.#holdings.isClosed;
  }

  /** Which way was taken; undefined before the first device. */
  get via(): 'group' | 'iommufd' | undefined {
    return this.#backend?.via;
  }

  /** What devices can address, and in which steps. Throws GPUVM_USAGE before the first device. */
  get iommu(): IommuInfo {
    return this.#opened().info();
  }

  /**
   * Allocates zeroed memory and gives it to the devices. Throws GPUVM_VFIO where the kernel refuses: ENOMEM is
   * RLIMIT_MEMLOCK.
   */
  allocate(request: MemoryRequest): VfioMemory {
    const backend = this.#opened();
    const kernel = this.#kernel;
    const checked = this.#checked(request, backend);
    const { sizeBytes, iova, access } = checked;
    const holdings = new Holdings(`DMA memory at 0x${iova.toString(16)}`, this.#memories);
    try {
      const fd = asking(holdings.what, () => kernel.vfioCreateDmaMemory(sizeBytes));
      const handle = asking(holdings.what, () => {
        try {
          return new kernel.VfioMapping(fd, 0n, sizeBytes, MapAccess.READ | MapAccess.WRITE);
        } finally {
          kernel.closeFd(fd);
        }
      });
      holdings.add(() => handle.close());
      asking(holdings.what, () => backend.map(handle, iova, access));
      holdings.add(() => asking(holdings.what, () => backend.unmap(iova, sizeBytes)));
      return new VfioMemory(handle, checked, holdings, this);
    } catch (error) {
      holdings.close();
      throw error;
    }
  }

  dispose(): void {
    this.#holdings.close();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @internal Takes a device in: its descriptor, and what it holds. */
  attach(place: DevicePlace): { fd: number; holdings: Holdings } {
    this.#holdings.requireOpen();
    this.#backend ??= this.#open(place);
    const holdings = new Holdings(place.name, this.#devices);
    try {
      return { fd: this.#backend.attach(place, holdings), holdings };
    } catch (error) {
      holdings.close();
      throw error;
    }
  }

  #open(place: DevicePlace): Backend {
    const hasGroup = existsSync(join(this.sysroot, place.groupNode));
    const via = this.#wanted ?? (hasGroup || place.node === undefined ? 'group' : 'iommufd');
    const Way = via === 'group' ? Container : Iommufd;
    return new Way(this.#kernel, this.sysroot, this.#base);
  }

  #opened(): Backend {
    this.#holdings.requireOpen();
    if (this.#backend === undefined) throw wrong('an address space has no IOMMU before its first device');
    return this.#backend;
  }

  #checked(request: MemoryRequest, backend: Backend) {
    const { access = 'both' } = request;
    if (!['read', 'write', 'both'].includes(access))
      throw wrong(`access is read, write or both, not ${access}`);
    const sizeBytes = size(request.sizeBytes, 'a size');
    const iova = u64(request.iova, 'an address');
    const { pageSizeBytes, ranges } = backend.info();
    const host = BigInt(this.#kernel.pageSize());
    const page = pageSizeBytes > host ? pageSizeBytes : host;
    if (sizeBytes % page !== 0n || iova % pageSizeBytes !== 0n)
      throw wrong(
        `DMA memory has a multiple of 0x${page.toString(16)} bytes at a multiple of 0x${pageSizeBytes.toString(16)}, not 0x${sizeBytes.toString(16)} at 0x${iova.toString(16)}`,
      );
    const last = iova + sizeBytes - 1n;
    if (ranges.length > 0 && !ranges.some((range) => iova >= range.first && last <= range.last))
      throw wrong(
        `devices cannot address 0x${iova.toString(16)} to 0x${last.toString(16)}, only ${ranges.map((range) => `0x${range.first.toString(16)} to 0x${range.last.toString(16)}`).join(', ')}`,
      );
    return { sizeBytes, iova, access };
  }
}
