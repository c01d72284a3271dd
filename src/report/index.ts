export type { FixOf } from './collect/denials.js';
export { type Report, type ReportOptions, type ReportResult, writeReport } from './write/report.js';
