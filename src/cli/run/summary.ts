import type { BridgeEnded } from '../../bpmp/worker/index.js';
import { formatRet } from '../bpmp/transfer-text.js';
import type { Paint } from './paint.js';
import type { TallyRow } from './tally.js';

/** The table of requests, for people. */
export function requestTable(rows: readonly TallyRow[], paint: Paint): string[] {
  if (rows.length === 0) return ['no requests'];
  const width = Math.max(...rows.map(({ request }) => request.length), 'request'.length);
  const head = paint.bold(`   count  verdict   ${'request'.padEnd(width)}  answer`.trimEnd());
  const lines = rows.map(({ request, verdict, ret, count }) => {
    const answer = ret === undefined ? '' : formatRet(ret);
    const shown = paint.verdict(verdict as Parameters<Paint['verdict']>[0]);
    return `${String(count).padStart(8)}  ${shown}  ${request.padEnd(width)}  ${answer}`.trimEnd();
  });
  return [head, ...lines];
}

/** What the guest left behind, and what became of it. */
export function releaseLines({ release, snapshot }: BridgeEnded): string[] {
  const { totals, hidden } = snapshot;
  const counts = Object.entries(totals).map(([verdict, count]) => {
    const ofThem = verdict === 'deny' && hidden > 0 ? ` (${hidden} of them about what the view hides)` : '';
    return `${count} ${verdict}${ofThem}`;
  });
  const lines = [`requests: ${counts.join(', ')}`];
  if (release.entries.length === 0) return [...lines, 'the guest left nothing on'];
  lines.push(
    `the guest left ${release.entries.length} on: ${release.givenBack} given back, ${release.kept} kept, ${release.failed} failed`,
  );
  for (const { resource, from, to, result, reason } of release.entries) {
    const what =
      result === 'given-back' ? `${from} → ${to}` : `${from}, ${result}${reason ? `: ${reason}` : ''}`;
    lines.push(`  ${resource}: ${what}`);
  }
  return lines;
}
