import { isLoopback } from '../schema/metrics.js';
import type { Complaints } from './complain.js';

/** Who may not be told is refused here, not found out by a scan of the network. */
export function metricsContradictions(complaints: Complaints): void {
  const { metrics } = complaints.config;
  if (metrics === undefined || metrics.public || isLoopback(metrics.listen.address)) return;
  complaints.at(
    ['metrics', 'listen'],
    `is ${metrics.listen.address}, where other hosts can read them: use 127.0.0.1, or say public: true`,
  );
}
