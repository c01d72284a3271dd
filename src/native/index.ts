export { type Addon, addon, nativeProgram } from './addon.js';
export { Descriptor } from './descriptor.js';
export { type Readiness, Ready } from './readiness.js';
export { ListenerEvent, type SeccompListener, SlotLayout, SlotReply, SlotStage } from './seccomp.js';
export { WOULD_BLOCK } from './unix-socket.js';
export type { VfioAddon, VfioMappingHandle } from './vfio.js';
