import type { BridgeHandle } from '../../bpmp/worker/index.js';
import { requestText } from '../../vm/request-events.js';
import { formatRet } from '../bpmp/transfer-text.js';
import { Allowance } from './allowance.js';
import { Fixes } from './fixes.js';
import type { Paint } from './paint.js';

type Events = Pick<BridgeHandle, 'on'>;

const PASSED_PER_SECOND = 500;
const REFUSED_PER_SECOND = 100;
/** As wide as a verdict. */
const INDENT = ' '.repeat(9);

export interface WatchOptions {
  /** Every request; else the refused ones only. */
  readonly all: boolean;
  readonly paint: Paint;
  readonly print: (line: string) => void;
}

/** Prints requests by name with their verdicts as they happen; returns what prints the last count of those left out. */
export function watchRequests(bridge: Events, options: WatchOptions): () => void {
  const { print, paint } = options;
  // A flood of requests that pass must not hide one that does not.
  const passed = new Allowance(PASSED_PER_SECOND);
  const refused = new Allowance(REFUSED_PER_SECOND);
  const fixes = new Fixes();
  const settle = (lost = 0) => {
    const count = passed.countSuppressed() + refused.countSuppressed() + lost;
    if (count > 0) print(paint.faint(`${INDENT}… ${count} more not shown`));
  };
  const allow = (verdict: string) => {
    const allowance = verdict === 'deny' || verdict === 'malformed' ? refused : passed;
    if (!allowance.take()) return false;
    settle();
    return true;
  };

  bridge.on('denial', (denial) => {
    if (options.all) {
      fixes.remember(denial.mrq, denial.tx, denial.fix);
      return;
    }
    const { mrq, tx, verdict, ret, rule, fix, suppressed } = denial;
    if (suppressed > 0) print(paint.faint(`${INDENT}… ${suppressed} more not shown`));
    for (const line of refusalLines({ mrq, tx, verdict, ret, rule, fix }, paint)) print(line);
  });
  bridge.on('transfers', (records, dropped) => {
    if (!options.all) return;
    if (dropped > 0) settle(dropped);
    for (const { mrq, tx, verdict, hidden, ret, rule } of records) {
      // A guest that looks around asks hundreds of these; the table has their number.
      if (hidden || !allow(verdict)) continue;
      if (verdict === 'deny' || verdict === 'malformed') {
        const fix = fixes.take(mrq, tx);
        for (const line of refusalLines({ mrq, tx, verdict, ret, rule, fix }, paint)) print(line);
        continue;
      }
      const answer = ret === 0 ? '' : ` → ${formatRet(ret)}`;
      const why = verdict === 'absorb' ? paint.faint(`  ${rule}`) : '';
      print(`${paint.verdict(verdict)} ${requestText({ mrq, tx, rule })}${answer}${why}`);
    }
  });
  return settle;
}

interface Refusal {
  readonly mrq: number;
  readonly tx: Uint8Array;
  readonly verdict: 'allow' | 'deny' | 'absorb' | 'malformed';
  readonly ret: number;
  readonly rule: string;
  readonly fix: string | undefined;
}

function refusalLines({ mrq, tx, verdict, ret, rule, fix }: Refusal, paint: Paint): string[] {
  const head = `${paint.verdict(verdict)} ${requestText({ mrq, tx, rule })} → ${formatRet(ret)}`;
  const lines = [`${head}${paint.faint(`  ${rule}`)}`];
  if (fix !== undefined) lines.push(paint.faint(`${INDENT}to allow it, add to the policy: ${fix}`));
  return lines;
}
