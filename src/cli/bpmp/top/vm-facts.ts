import type { BpmpStatus, ControlClient } from '../../../control/index.js';
import { GpuvmError } from '../../../errors.js';
import type { VmFacts } from './facts.js';

/** What a running VM says of itself. Throws what the control socket throws. */
export async function factsOf(client: ControlClient): Promise<VmFacts> {
  const [status, bpmp] = await Promise.all([client.status(), bpmpOf(client)]);
  const { state, uptimeMs, restarts, bridge } = status;
  return {
    state,
    uptimeMs,
    restarts,
    totals: bpmp?.totals ?? (bridge?.totals as VmFacts['totals']),
    holdings: bpmp?.holdings,
    delayed: bpmp?.delayed,
    refused: bpmp?.refused,
  };
}

/** A VM without a bridge, or between two runs of its QEMU, tells nothing of a BPMP. */
async function bpmpOf(client: ControlClient): Promise<BpmpStatus | undefined> {
  try {
    return await client.bpmp();
  } catch (error) {
    if (GpuvmError.is(error)) return undefined;
    throw error;
  }
}
