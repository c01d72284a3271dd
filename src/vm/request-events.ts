import { tegra234 } from '../bpmp/tegra234/index.js';
import { decodeReply, decodeRequest, describe, mrqs } from '../bpmp/wire/index.js';
import type { BridgeHandle } from '../bpmp/worker/index.js';

/** Puts what happens to a guest's requests beside the VM's other events. */
export type RecordEvent = (event: string, fields: object) => void;

/** Records a bridge's transfers, where it hands them over, and its refusals, from now on. */
export function followBridge(bridge: Pick<BridgeHandle, 'on'>, record: RecordEvent): void {
  bridge.on('transfers', (records, dropped) => {
    if (dropped > 0) record('dropped', { transfers: dropped });
    for (const { sequence, timeNs, mrq, tx, verdict, rule, ret, rx, latencyNs } of records) {
      record('transfer', {
        time: new Date(Number(timeNs / 1_000_000n)).toISOString(),
        sequence,
        verdict,
        ret,
        text: requestText({ mrq, tx, rule }),
        request: decodeRequest(mrq, tx, tegra234),
        reply: decodeReply(mrq, tx, ret, rx, tegra234),
        rule,
        mrq,
        tx,
        rx,
        latencyNs,
      });
    }
  });
  bridge.on('denial', ({ mrq, tx, ...denial }) => {
    const text = requestText({ mrq, tx, rule: denial.rule });
    record('denial', { ...denial, text, request: decodeRequest(mrq, tx, tegra234), mrq, tx });
  });
}

/** A transfer's request in one line. One that the bridge could not read has no bytes to describe. */
export function requestText({ mrq, tx, rule }: { mrq: number; tx: Uint8Array; rule: string }): string {
  if (tx.length > 0 || !rule.startsWith('built-in: malformed,')) return describe(mrq, tx, tegra234);
  return `${mrqs.get(mrq)?.name ?? `MRQ ${mrq}`} (unreadable)`;
}
