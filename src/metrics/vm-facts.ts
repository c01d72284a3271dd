import type { LatencyRow, MediatorSnapshot } from '../bpmp/mediator/index.js';
import type { ProcessUsage } from './process-usage.js';

/** What one VM's metrics are made of; the supervisor knows it. */
export interface VmFacts {
  readonly vm: string;
  readonly version: string;
  readonly state: string;
  /** Every state that there is. */
  readonly states: readonly string[];
  readonly restarts: number;
  /** QEMU's last start, ms since 1970; absent while there is none. */
  readonly startedMs?: number | undefined;
  readonly qemu?: ProcessUsage | undefined;
  /** How the BPMP reaches the guest and what answers it; absent where the VM has no bridge. */
  readonly setting?: { readonly bridge: string; readonly backend: string } | undefined;
  /** What the bridge told; absent while it does not serve or does not answer. */
  readonly bridge?: BridgeFacts | undefined;
}

export interface BridgeFacts {
  readonly snapshot: MediatorSnapshot & { readonly recordsDropped: number };
  readonly latencies: readonly LatencyRow[];
  readonly policy: { readonly mode: string };
}
