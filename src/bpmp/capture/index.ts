export { CaptureFile } from './file/capture-file.js';
export { olderName } from './file/older.js';
export type { CaptureCounts, CaptureFileOptions } from './file/options.js';
export type { Notice } from './notice.js';
export { decodeTransfer, encodeTransfer } from './packet.js';
export { type ReadOptions, readCapture } from './read.js';
export type { TransferRecord } from './transfer.js';
export { type BlockExtras, transferBlock } from './transfer-block.js';
export { type CapturedVm, CaptureWriter, type Extras, type WriterOptions } from './writer.js';
