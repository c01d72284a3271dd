export {
  type Device,
  type InterruptInfo,
  type InterruptSet,
  PciInterrupt,
  PciRegion,
  type Region,
  type SharedAreas,
} from './device.js';
export { Errno, RequestError, StreamError } from './error.js';
export { Frame } from './frame.js';
export {
  Command,
  HEADER_SIZE,
  HeaderFlag,
  InterruptFlag,
  MAX_DESCRIPTORS,
  MAX_FRAME,
  MAX_TRANSFER,
} from './numbers.js';
export type { Reply } from './reply.js';
export { Session } from './session.js';
