export { HostDevice, type HostDeviceOptions, type HostDeviceStats } from './host-device.js';
