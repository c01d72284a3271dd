export * from './abi.js';
export { classify } from './classify.js';
export { describe } from './describe.js';
export { type Extent, extentOf } from './extent.js';
export type { CommandInfo, CommandPlace, Effect, MrqInfo, MrqName } from './family.js';
export {
  decodeHostMessage,
  encodeHostMessage,
  HOST_MESSAGE,
  HOST_MESSAGE_SIZE,
  type HostMessage,
} from './host-message.js';
export { commandByName, commandOf, minimumLength, mrqByName, mrqs } from './mrqs.js';
export type { ChipNames, ResourceTable } from './names.js';
export { type DecodedReply, decodeReply, encodeReply, errorName, type ReplyInput } from './reply.js';
export {
  type DecodedRequest,
  decodeRequest,
  type EncodedRequest,
  encodeRequest,
  type RequestInput,
} from './request.js';
export { newShape, type Shape, ShapeStatus } from './shape.js';
export type { Item, ListItem } from './struct/items.js';
export type { IntegerLayout, Layout, NameSource } from './struct/layout.js';
export type { Placed, Struct } from './struct/struct.js';
export { latin1, quote } from './struct/text.js';
export type { Named, Type, Value, Values } from './struct/value.js';
export { formatQuantity, parseQuantity, type Unit, unitScales, withoutUnit } from './units.js';
export {
  decodeWindowReply,
  decodeWindowRequest,
  encodeWindowReply,
  encodeWindowRequest,
  WINDOW,
  type WindowRequest,
} from './window.js';
export { parseRequestWords } from './words.js';
