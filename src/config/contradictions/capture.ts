import type { Complaints } from './complain.js';

export function captureContradictions(complaints: Complaints): void {
  const { capture, bridge } = complaints.config;
  if (capture !== undefined && bridge.kind === 'none')
    complaints.atKey(['capture'], 'has nothing to keep: the VM has no bridge');
}
