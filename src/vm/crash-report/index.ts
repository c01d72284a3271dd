/** What is written down of a run that ended badly. */
export { type CrashReport, crashReport, type Facts } from './report.js';
export { type StoredReport, storeReport } from './store.js';
export { crashText } from './text.js';
