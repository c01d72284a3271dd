/** What is known of the host's devices, one profile for each kind, as data. */
export { builtinProfiles } from './builtin/index.js';
export { chooseProfiles } from './choose.js';
export { droppedFromAll } from './common.js';
export { baseNameOf, profileOf, ruleFor, unknownProfile } from './match.js';
export type {
  Companion,
  DeviceProfile,
  GuestRules,
  HostRules,
  KnownDevice,
  KnownResource,
  ProfileValue,
  PropertyRule,
  PropertyValue,
} from './profile.js';
export { type ReservedRegion, referenceRegions, untoldCarveOuts } from './reserved.js';
