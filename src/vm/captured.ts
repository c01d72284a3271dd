import type { BridgeHandle } from '../bpmp/worker/index.js';
import type { VmConfig } from '../config/index.js';
import { headerOf } from './capture-header.js';

export interface CapturedOptions {
  /** Goes on with what comes, restarts of QEMU included; otherwise it ends with what is there. */
  readonly follow?: boolean;
  /** The last so many of what is there; all that the ring still has unless told. */
  readonly recent?: number;
  /** Nobody reads any more. */
  readonly signal?: AbortSignal;
}

/** Where a VM's bridges come from, one for each run of QEMU. */
export interface Bridges {
  readonly present: BridgeHandle | undefined;
  /** Resolves with the next one after it, or with undefined when none will come or the signal does. */
  after(last: BridgeHandle | undefined, signal: AbortSignal | undefined): Promise<BridgeHandle | undefined>;
}

/**
 * A VM's transfers as pcapng, out of the rings of its bridges. Who reads is not waited for: what he is too slow for is lost to
 * him alone, and the next block says how much that was.
 */
export async function* captured(
  config: VmConfig,
  bridges: Bridges,
  { follow = false, recent, signal }: CapturedOptions,
): AsyncGenerator<Uint8Array> {
  const { CaptureWriter } = await import('../bpmp/capture/index.js');
  yield new CaptureWriter(headerOf(config)).header();
  let bridge = bridges.present;
  let start: 'oldest' | { recent: number } = recent === undefined ? 'oldest' : { recent };
  if (bridge === undefined && follow) bridge = await bridges.after(undefined, signal);
  while (bridge !== undefined) {
    for await (const { blocks } of bridge.captured({ start, follow, signal })) yield blocks;
    if (!follow || signal?.aborted) return;
    bridge = await bridges.after(bridge, signal);
    start = 'oldest';
  }
}
