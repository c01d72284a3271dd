/** Metrics of a VM for Prometheus: what there is, and who is told of it. */
export { catalogue } from './catalogue.js';
export type { Family, MetricInfo } from './family.js';
export { MetricsListener, type MetricsListenerOptions } from './listener.js';
export { acceptOf, formatFor } from './negotiate.js';
export { type ProcessUsage, processUsage } from './process-usage.js';
export type { BridgeFacts, VmFacts } from './vm-facts.js';
export { vmFamilies } from './vm-families.js';
export { type Exposition, expose, type Format } from './write.js';
