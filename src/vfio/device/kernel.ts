import { constants, openSync } from 'node:fs';
import { type Addon, addon } from '../../native/index.js';

/** What this room needs of the kernel; tests put another in its place. */
export type VfioKernel = Pick<
  Addon,
  | 'vfioApiVersion'
  | 'vfioCheckExtension'
  | 'vfioSetIommu'
  | 'vfioIommuInfo'
  | 'vfioGroupStatus'
  | 'vfioGroupSetContainer'
  | 'vfioGroupUnsetContainer'
  | 'vfioGroupDevice'
  | 'vfioDeviceInfo'
  | 'vfioDeviceReset'
  | 'vfioRegionInfo'
  | 'vfioRegionRead'
  | 'vfioRegionWrite'
  | 'vfioInterruptInfo'
  | 'vfioSetInterrupts'
  | 'vfioCreateDmaMemory'
  | 'vfioMapDma'
  | 'vfioUnmapDma'
  | 'vfioBindIommufd'
  | 'vfioAttachIommufd'
  | 'vfioDetachIommufd'
  | 'iommufdAllocIoas'
  | 'iommufdIovaRanges'
  | 'iommufdMap'
  | 'iommufdUnmap'
  | 'VfioMapping'
  | 'pageSize'
  | 'eventfdCreate'
  | 'eventfdDrain'
  | 'closeFd'
  | 'Readiness'
> & {
  /** open(2), for reading and writing, close-on-exec. */
  open(path: string): number;
};

let made: VfioKernel | undefined;

export function realKernel(): VfioKernel {
  made ??= { ...addon(), open: (path) => openSync(path, constants.O_RDWR) };
  return made;
}
