/** Devices of the host and VFIO: what there is, whether it can be given to a VM, and the giving. */
export { type DeviceLists, type DeviceRequest, deviceRequests, subjectOf } from './device.js';
export type { Account, VfioHost } from './host.js';
