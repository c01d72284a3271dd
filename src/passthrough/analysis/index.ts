/** What follows for the host when devices leave it: who must go along, who uses what they use, who misses them. */
export {
  type Analysis,
  type AnalyzedDevice,
  type AnalyzedResource,
  analyze,
  type MemoryRegion,
  type Needed,
} from './analyze.js';
export { type SelectedDevice, selectDevices, type WantedDevice } from './device.js';
export type { Line } from './lines.js';
export type { Consequence, Related, Relation } from './related.js';
export {
  childrenAlong,
  type HostUser,
  HostUsers,
  isSharedRoot,
  isWithin,
  type ResourceKind,
  type ResourceUse,
  resourceKinds,
  tableOf,
  usesOf,
  usesOfDevice,
} from './resources.js';
export { iommuName, isSameStream, type Stream, streamsOf } from './streams.js';
