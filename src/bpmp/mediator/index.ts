export { parentsOf } from './closure.js';
export type { DenialEvent } from './denials.js';
export type { LatencySummary } from './histogram.js';
export { Histogram } from './histogram.js';
export { Mediator, type MediatorOptions, type MediatorSnapshot } from './mediator.js';
export type { TransferRecord } from './record.js';
export type { ReleaseEntry, ReleaseReport } from './release.js';
export type { StatisticsRow, StatisticsSnapshot } from './statistics.js';
