import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { GpuvmError } from '../../errors.js';
import type { VfioMappingHandle } from '../../native/index.js';
import { IoasFlag } from './abi.js';
import type { Backend } from './backend.js';
import { asking, kernelFailure, nonsense } from './failure.js';
import type { DevicePlace } from './find.js';
import type { Holdings } from './holdings.js';
import { driversOf, openBy } from './in-the-way.js';
import { checkedRange, type IommuInfo } from './iommu-info.js';
import type { VfioKernel } from './kernel.js';
import type { DmaAccess } from './memory.js';

export const IOMMUFD_NODE = '/dev/iommu';

/** The newer way (Linux 6.6): an address space of iommufd, and each device by a node of its own. */
export class Iommufd implements Backend {
  readonly via = 'iommufd';
  readonly #kernel: VfioKernel;
  readonly #sysroot: string;
  readonly #fd: number;
  readonly #ioas: number;

  constructor(kernel: VfioKernel, sysroot: string, holdings: Holdings) {
    this.#kernel = kernel;
    this.#sysroot = sysroot;
    if (!existsSync(join(sysroot, IOMMUFD_NODE)))
      throw new GpuvmError(
        'GPUVM_KERNEL_FEATURE',
        `there is no ${IOMMUFD_NODE}: load iommufd (Linux 6.2), or use groups`,
      );
    this.#fd = asking(IOMMUFD_NODE, () => kernel.open(join(sysroot, IOMMUFD_NODE)));
    // The address space goes with its descriptor.
    holdings.add(() => kernel.closeFd(this.#fd));
    this.#ioas = asking(IOMMUFD_NODE, () => kernel.iommufdAllocIoas(this.#fd));
  }

  attach(place: DevicePlace, holdings: Holdings): number {
    const { name, node } = place;
    const kernel = this.#kernel;
    if (node === undefined)
      throw new GpuvmError(
        'GPUVM_KERNEL_FEATURE',
        `${name} has no node in /dev/vfio/devices: this kernel has no VFIO_DEVICE_CDEV (Linux 6.6): use its group`,
      );
    const fd = asking(`${name}, ${node}`, () => kernel.open(join(this.#sysroot, node)));
    try {
      kernel.vfioBindIommufd(fd, this.#fd);
    } catch (error) {
      // Before those who have it open are looked for: of these it is none.
      kernel.closeFd(fd);
      const who = driversOf(place, this.#sysroot) || openBy(place, this.#sysroot);
      throw kernelFailure(`${name}, ${node}`, error, who);
    }
    holdings.add(() => kernel.closeFd(fd));
    asking(name, () => kernel.vfioAttachIommufd(fd, this.#ioas));
    holdings.add(() => kernel.vfioDetachIommufd(fd));
    return fd;
  }

  info(): IommuInfo {
    const answer = asking(IOMMUFD_NODE, () => this.#kernel.iommufdIovaRanges(this.#fd, this.#ioas));
    const alignment = answer.at(-1) ?? 0n;
    if (alignment === 0n) throw nonsense(IOMMUFD_NODE, 'addresses are aligned to 0');
    const ranges = Array.from({ length: (answer.length - 1) >> 1 }, (_, at) =>
      checkedRange(answer[at * 2]!, answer[at * 2 + 1]!, IOMMUFD_NODE),
    );
    return { pageSizeBytes: alignment, ranges };
  }

  map(handle: VfioMappingHandle, iova: bigint, access: DmaAccess): void {
    const allowed = (access === 'write' ? 0 : IoasFlag.READ) | (access === 'read' ? 0 : IoasFlag.WRITE);
    this.#kernel.iommufdMap(this.#fd, this.#ioas, handle, iova, IoasFlag.FIXED | allowed);
  }

  unmap(iova: bigint, sizeBytes: bigint): void {
    this.#kernel.iommufdUnmap(this.#fd, this.#ioas, iova, sizeBytes);
  }
}
