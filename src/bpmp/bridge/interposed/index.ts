export { InterposedBridge } from './bridge.js';
export { fromDescriptors } from './descriptors.js';
export { DEVICE_PATH } from './device-path.js';
export type { HandOver, InterposedOptions } from './options.js';
export { type WrapperOptions, wrapCommand } from './wrapper.js';
