import type { BridgeMeasurements } from '../bpmp/worker/index.js';
import type { VmConfig } from '../config/index.js';
import { type Exposition, expose, formatFor, processUsage, vmFamilies } from '../metrics/index.js';
import { stateTable } from './states.js';
import { version } from './version.js';

/** A supervised VM as its metrics see it. */
export interface Measured {
  readonly config: VmConfig;
  readonly state: string;
  readonly restarts: number;
  /** QEMU's process and its start, in ms since 1970; absent while there is none. */
  readonly qemu?: { readonly pid: number; readonly startedMs: number } | undefined;
  readonly measurements?: BridgeMeasurements | undefined;
}

/** A VM's metrics, in the format that the Accept header asks for. */
export async function metricsOf(measured: Measured, accept: string | undefined): Promise<Exposition> {
  const { config, state, restarts, qemu, measurements } = measured;
  const { bridge, backend } = config;
  const families = vmFamilies({
    vm: config.name,
    version,
    state,
    states: Object.keys(stateTable),
    restarts,
    startedMs: qemu?.startedMs,
    qemu: qemu && (await processUsage(qemu.pid)),
    ...(bridge.kind !== 'none' && { setting: { bridge: bridge.kind, backend: backend.kind } }),
    bridge: measurements,
  });
  return expose(families, formatFor(accept));
}
