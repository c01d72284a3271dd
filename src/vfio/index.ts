/** Devices of the host and VFIO: what there is, whether a VM can have it, the giving and the giving back. */
export { type BoundDevices, bindDevices } from './bind.js';
export { checkDevices } from './checks/index.js';
export { type DeviceLists, type DeviceRequest, deviceRequests, subjectOf } from './device.js';
export type { Account, VfioHost } from './host.js';
export { busOf, type ListedDevice, type ListedGroup, listDevices, listGroups } from './list.js';
export { type BindingPlan, planBinding } from './plan.js';
export { type Quirk, quirks } from './quirks.js';
export { requireBindable } from './require-bindable.js';
