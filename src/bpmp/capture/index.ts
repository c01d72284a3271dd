export type { TransferRecord } from './transfer.js';
