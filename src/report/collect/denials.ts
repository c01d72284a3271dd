import type { TransferRecord } from '../../bpmp/capture/index.js';
import { tegra234 } from '../../bpmp/tegra234/index.js';
import { classify, describe, newShape } from '../../bpmp/wire/index.js';
import { flagsOf, OUTCOME, outcomeOf } from '../data/outcome.js';
import type { DenialSummary } from '../data/summary.js';
import { cutText } from './rows.js';

const MAX_KINDS = 5000;
const MAX_SHOWN = 200;

/** The line that would allow a request, from the policy that it was refused by. */
export type FixOf = (mrq: number, tx: Uint8Array) => string | undefined;

interface Kind {
  readonly record: TransferRecord;
  readonly outcome: number;
  count: number;
  lastNs: bigint;
}

/** Refused transfers by what they asked and by which rule they were refused. */
export class Denials {
  readonly #kinds = new Map<string, Kind>();
  readonly #shape = newShape();
  #others = 0;

  add(record: TransferRecord): void {
    const outcome = outcomeOf(flagsOf(record), record.ret);
    if (outcome !== OUTCOME.deny && outcome !== OUTCOME.malformed) return;
    const { mrq, command, id } = classify(record.mrq, record.tx, this.#shape);
    const key = `${outcome} ${mrq} ${command} ${id} ${record.vm} ${record.rule}`;
    const kind = this.#kinds.get(key);
    if (kind) {
      kind.count++;
      if (record.timeNs > kind.lastNs) kind.lastNs = record.timeNs;
    } else if (this.#kinds.size < MAX_KINDS)
      this.#kinds.set(key, { record, outcome, count: 1, lastNs: record.timeNs });
    else this.#others++;
  }

  summary(beginNs: bigint, fixOf?: FixOf): { denials: DenialSummary[]; otherDenials: number } {
    const sorted = [...this.#kinds.values()].sort((a, b) => b.outcome - a.outcome || b.count - a.count);
    const denials = sorted.slice(0, MAX_SHOWN).map(({ record, outcome, count, lastNs }) => {
      const fix = outcome === OUTCOME.deny ? fixOf?.(record.mrq, record.tx) : undefined;
      return {
        mrq: record.mrq,
        text: describe(record.mrq, record.tx, tegra234),
        outcome,
        vm: cutText(record.vm),
        rule: cutText(record.rule),
        count,
        firstNs: Number(record.timeNs - beginNs),
        lastNs: Number(lastNs - beginNs),
        ...(fix !== undefined && { fix }),
      };
    });
    const beyond = sorted.slice(MAX_SHOWN).reduce((sum, { count }) => sum + count, 0);
    return { denials, otherDenials: this.#others + beyond };
  }
}
