import { tegra234 } from '../../bpmp/tegra234/index.js';
import { decodeReply, decodeRequest } from '../../bpmp/wire/index.js';
import type { BridgeHandle } from '../../bpmp/worker/index.js';
import { requestText } from '../transfer-text.js';
import type { EventLog } from './event-log.js';

/** Writes a bridge's transfers and refusals to the log, from now on. */
export function followBridge(bridge: Pick<BridgeHandle, 'on'>, log: EventLog): void {
  const clock = wallClock();
  bridge.on('transfers', (records, dropped) => {
    if (dropped > 0) log.write('dropped', { transfers: dropped });
    for (const { sequence, timeNs, mrq, tx, verdict, rule, ret, rx, latencyNs } of records) {
      const fields = {
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
      };
      log.write('transfer', fields, clock(timeNs));
    }
  });
  bridge.on('denial', ({ mrq, tx, ...denial }) => {
    const text = requestText({ mrq, tx, rule: denial.rule });
    log.write('denial', { ...denial, text, request: decodeRequest(mrq, tx, tegra234), mrq, tx });
  });
}

/** Dates from the monotonic clock that records carry. */
function wallClock(): (timeNs: bigint) => Date {
  const startNs = process.hrtime.bigint();
  const startMs = Date.now();
  return (timeNs) => new Date(startMs + Number(timeNs - startNs) / 1e6);
}
