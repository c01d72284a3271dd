/** A running VM on its way from one supervisor process to the next. */
export { findFds, type HandOver, nameFds, packHandOver, unpackHandOver, type VmFds } from './descriptors.js';
export { passOn } from './pass-on.js';
export {
  cannot as cannotTakeOver,
  type HandOverState,
  handOverState,
  readHandOverState,
} from './state.js';
