/** What a run of a VM would do, without doing it. */
export { type AskQemu, busFor, type ChosenLayout } from './bus.js';
export type { PlanFinding } from './finding.js';
export { type HostTree, readHostTree } from './host-tree.js';
export type { MapEntry, MapKind } from './memory-map.js';
export { makePlan, type Plan, type PlanOptions } from './plan.js';
export type { PlannedDevice } from './prediction.js';
