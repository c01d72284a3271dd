/** Devices of this host used from TypeScript through VFIO: `gpuvm/vfio`. docs/vfio.md shows how. */
export { GpuvmError } from '../../errors.js';
export type { Accessible, Offset } from './accessible.js';
export type { AccessWidth } from './arguments.js';
export { type OpenOptions, VfioDevice } from './device.js';
export type { DeviceInfo, InterruptInfo, RegionArea, RegionInfo } from './info.js';
export { type InterruptEvent, type InterruptRequest, VfioInterrupt } from './interrupt.js';
export type { IommuInfo, IovaRange } from './iommu-info.js';
export { VfioMapping } from './mapping.js';
export { type DmaAccess, type MemoryRequest, VfioMemory } from './memory.js';
export type { DeviceKind } from './names.js';
export { VfioRegion } from './region.js';
export { type AddressSpaceOptions, VfioAddressSpace } from './space.js';
