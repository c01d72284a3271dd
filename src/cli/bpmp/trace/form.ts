import type { TransferRecord } from '../../../bpmp/capture/index.js';

/** A transfer as it is printed, its line ends included. */
export type Form = (record: TransferRecord) => string;
