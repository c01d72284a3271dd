/** What follows for the host when devices leave it: who must go along, who uses what they use, who misses them. */
export { type SelectedDevice, selectDevices, type WantedDevice } from './device.js';
export {
  childrenAlong,
  type HostUser,
  HostUsers,
  isWithin,
  type ResourceKind,
  type ResourceUse,
  resourceKinds,
  tableOf,
  usesOf,
  usesOfDevice,
} from './resources.js';
