import type { Explanation } from '../../../bpmp/policy/index.js';
import { verdictText } from '../../../bpmp/replay/index.js';
import { tegra234 } from '../../../bpmp/tegra234/index.js';
import { describe } from '../../../bpmp/wire/index.js';
import { formatRet } from '../transfer-text.js';
import type { BytesRow } from './bytes.js';
import type { Compared } from './command.js';
import { type Impact, listed } from './impact.js';
import type { Subject } from './subject.js';

/** All that is known of one decision. */
export interface Explained {
  readonly subject: Subject;
  readonly bytes: readonly BytesRow[];
  readonly explanation: Explanation;
  /** The policy's change, as a unified diff. */
  readonly change: { readonly what: string; readonly fragment: string; readonly diff: string } | undefined;
  readonly impact: Impact | undefined;
  readonly compared: Compared | undefined;
}

export function linesOf({ subject, bytes, explanation, change, impact, compared }: Explained): string[] {
  const { decision, considered, need } = explanation;
  const { mrq, tx } = subject;
  const lines = [describe(mrq, tx, tegra234), '', `bytes (${tx.length} of MRQ ${mrq})`];
  for (const row of bytes.slice(0, MOST_ROWS)) lines.push(byteLine(row));
  if (bytes.length > MOST_ROWS) lines.push(`  … and ${bytes.length - MOST_ROWS} more`);
  if (need.kind === 'resource') {
    const table = tegra234[need.section];
    lines.push(
      '',
      `resource: ${table.kind} ${table.nameOf(need.id)} (${need.id}); ${need.action.name} takes "${need.action.needs}"`,
    );
  }
  lines.push('', 'rules');
  for (const { rule, says, decides } of considered)
    lines.push(`  ${decides ? '→' : ' '} ${rule === undefined ? says : `${rule.text}: ${says}`}`);
  const answered =
    decision.verdict === 'allow' ? 'the firmware answers' : `answered ${formatRet(decision.ret)}`;
  const unseen = decision.hidden ? '; the guest takes it for a hole, and no event is raised' : '';
  lines.push('', `verdict: ${decision.verdict} by "${decision.rule.text}", ${answered}${unseen}`);
  if (compared !== undefined) lines.push(...recordLines(subject, compared));
  lines.push('', ...changeLines(change, decision.verdict));
  if (impact !== undefined) lines.push('', ...impactLines(impact));
  return lines;
}

const MOST_ROWS = 40;
const ROW_BYTES = 16;

function byteLine({ offset, bytes, meaning }: BytesRow): string {
  const shown = Buffer.from(bytes.subarray(0, ROW_BYTES))
    .toString('hex')
    .replace(/(..)(?=.)/g, '$1 ');
  const more = bytes.length > ROW_BYTES ? ' …' : '';
  return `  ${offset.toString(16).padStart(4, '0')}  ${`${shown}${more}`.padEnd(25)}  ${meaning}`;
}

function recordLines({ record }: Subject, { expected, same }: Compared): string[] {
  if (record === undefined) return [];
  const { sequence, vm, verdict, rule, ret, timeNs } = record;
  const ms = Number(timeNs / 1_000_000n);
  const at = Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : 'at an unknown time';
  const before = `then: ${verdictText(verdict, expected)} by "${rule}", answered ${formatRet(ret)} (#${sequence} of ${vm}, ${at})`;
  if (expected === 'anything') return [before, 'now: the record does not say what its policy said'];
  return [before, same ? 'now: the same' : 'now: this policy says otherwise'];
}

function changeLines(change: Explained['change'], verdict: string): string[] {
  if (change === undefined)
    return [
      verdict === 'allow'
        ? 'change: take its line out, or lower its right, and it is denied'
        : `change: no line ${verdict === 'absorb' ? 'has it carried out' : 'can allow it'}`,
    ];
  return [
    `change: ${change.what}: ${change.fragment}`,
    ...change.diff
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`),
  ];
}

function impactLines(impact: Impact): string[] {
  const { lets, usedBy, wouldUse, parents, below, usedBelow, isRoot, warnings } = impact;
  const names = (what: string, list: readonly string[] | undefined) =>
    list === undefined || list.length === 0 ? [] : [`  ${what}: ${listed(list)}`];
  return [
    `allowed, the guest could ${lets}`,
    ...(isRoot ? ['  a shared root, which the whole chip hangs on'] : []),
    ...names('hangs on', parents),
    ...names('above', below),
    ...names("used by the host's", usedBy),
    ...names('would be used, were they switched on, by', wouldUse),
    ...names('clocks above which it stands are used by', usedBelow),
    ...warnings.map((warning) => `  WARNING: ${warning}`),
  ];
}
