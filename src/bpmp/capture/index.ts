export type { Notice } from './notice.js';
export { decodeTransfer, encodeTransfer } from './packet.js';
export { type ReadOptions, readCapture } from './read.js';
export type { TransferRecord } from './transfer.js';
export { type BlockExtras, transferBlock } from './transfer-block.js';
export { type CapturedVm, CaptureWriter, type WriterOptions } from './writer.js';
