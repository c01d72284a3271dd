import type { VfioMappingHandle } from '../../native/index.js';
import type { DevicePlace } from './find.js';
import type { Holdings } from './holdings.js';
import type { IommuInfo } from './iommu-info.js';
import type { DmaAccess } from './memory.js';

/** One of the kernel's two ways to an address space with devices in it. */
export interface Backend {
  readonly via: 'group' | 'iommufd';
  /** Takes the device in and answers its descriptor, which the holdings close. */
  attach(place: DevicePlace, holdings: Holdings): number;
  /** Known once a device is in it. */
  info(): IommuInfo;
  map(handle: VfioMappingHandle, iova: bigint, access: DmaAccess): void;
  unmap(iova: bigint, sizeBytes: bigint): void;
}
