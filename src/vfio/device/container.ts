import { join } from 'node:path';
import { GpuvmError } from '../../errors.js';
import type { VfioMappingHandle } from '../../native/index.js';
import { DmaFlag, Extension } from './abi.js';
import type { Backend } from './backend.js';
import { asking, kernelFailure } from './failure.js';
import type { DevicePlace } from './find.js';
import { Holdings } from './holdings.js';
import { driversOf, openBy } from './in-the-way.js';
import { type IommuInfo, parseIommuInfo } from './iommu-info.js';
import type { VfioKernel } from './kernel.js';
import type { DmaAccess } from './memory.js';

const NODE = '/dev/vfio/vfio';

/** VFIO's own way, in every kernel that has it: a container of type 1 with whole groups in it. */
export class Container implements Backend {
  readonly via = 'group';
  readonly #kernel: VfioKernel;
  readonly #sysroot: string;
  readonly #holdings: Holdings;
  readonly #fd: number;
  /** Descriptors of the groups by number. A group stays until the container goes, and its mappings with it. */
  readonly #groups = new Map<string, number>();
  #hasIommu = false;

  constructor(kernel: VfioKernel, sysroot: string, holdings: Holdings) {
    this.#kernel = kernel;
    this.#sysroot = sysroot;
    this.#holdings = holdings;
    this.#fd = asking(NODE, () => kernel.open(join(sysroot, NODE)));
    holdings.add(() => kernel.closeFd(this.#fd));
    const version = asking(NODE, () => kernel.vfioApiVersion(this.#fd));
    if (version !== 0)
      throw new GpuvmError(
        'GPUVM_KERNEL_FEATURE',
        `${NODE} speaks version ${version} of VFIO, and gpuvm version 0`,
      );
  }

  attach(place: DevicePlace, holdings: Holdings): number {
    const kernel = this.#kernel;
    const group = this.#groups.get(place.group) ?? this.#open(place);
    const fd = asking(place.name, () => kernel.vfioGroupDevice(group, place.name));
    holdings.add(() => kernel.closeFd(fd));
    return fd;
  }

  info(): IommuInfo {
    return parseIommuInfo(
      asking(NODE, () => this.#kernel.vfioIommuInfo(this.#fd)),
      NODE,
    );
  }

  map(handle: VfioMappingHandle, iova: bigint, access: DmaAccess): void {
    const flags = (access === 'write' ? 0 : DmaFlag.READ) | (access === 'read' ? 0 : DmaFlag.WRITE);
    this.#kernel.vfioMapDma(this.#fd, handle, iova, flags);
  }

  unmap(iova: bigint, sizeBytes: bigint): void {
    this.#kernel.vfioUnmapDma(this.#fd, iova, sizeBytes);
  }

  #open(place: DevicePlace): number {
    const kernel = this.#kernel;
    const holdings = new Holdings(`group ${place.group}`, this.#holdings);
    try {
      const fd = this.#openNode(place);
      holdings.add(() => kernel.closeFd(fd));
      this.#fill(fd, place);
      holdings.add(() => kernel.vfioGroupUnsetContainer(fd));
      if (!this.#hasIommu) this.#setIommu(place);
      this.#groups.set(place.group, fd);
      return fd;
    } catch (error) {
      holdings.close();
      throw error;
    }
  }

  #openNode(place: DevicePlace): number {
    const { name, groupNode } = place;
    try {
      return this.#kernel.open(join(this.#sysroot, groupNode));
    } catch (error) {
      throw kernelFailure(`${name}, ${groupNode}`, error, openBy(place, this.#sysroot));
    }
  }

  #fill(fd: number, place: DevicePlace): void {
    try {
      this.#kernel.vfioGroupSetContainer(fd, this.#fd);
    } catch (error) {
      throw kernelFailure(`${place.name}, group ${place.group}`, error, driversOf(place, this.#sysroot));
    }
  }

  #setIommu({ name }: DevicePlace): void {
    if (!asking(NODE, () => this.#kernel.vfioCheckExtension(this.#fd, Extension.TYPE1_V2)))
      throw new GpuvmError(
        'GPUVM_KERNEL_FEATURE',
        `${NODE} has no IOMMU of type 1, version 2: load vfio_iommu_type1`,
      );
    asking(name, () => this.#kernel.vfioSetIommu(this.#fd, Extension.TYPE1_V2));
    this.#hasIommu = true;
  }
}
