import type { BackendConfig } from '../bpmp/backend/index.js';
import { mrqs } from '../bpmp/wire/index.js';
import type { BridgeMeasurements, BridgeSnapshot } from '../bpmp/worker/index.js';
import type { VmConfig } from '../config/index.js';

/** A bridge as `GET /v1/bpmp` tells of it; plain data. */
export interface BpmpReport extends Omit<BridgeSnapshot, 'bridge' | 'rows'> {
  readonly bridge: { readonly kind: string; readonly counters: Readonly<Record<string, number>> };
  readonly backend: BackendConfig;
  readonly policy: BridgeMeasurements['policy'];
  readonly rows: readonly (BridgeSnapshot['rows'][number] & { readonly name: string })[];
}

export function bpmpReport(
  { bridge: { kind }, backend }: VmConfig,
  { snapshot, policy }: BridgeMeasurements,
): BpmpReport {
  const { bridge: counters, rows, ...rest } = snapshot;
  return {
    ...rest,
    bridge: { kind, counters },
    backend,
    policy,
    rows: rows.map((row) => ({ ...row, name: mrqName(row.mrq) })),
  };
}

/** `unknown` for what the ABI has not. */
export function mrqName(mrq: number | 'unknown'): string {
  return (mrq !== 'unknown' && mrqs.get(mrq)?.name) || 'unknown';
}
