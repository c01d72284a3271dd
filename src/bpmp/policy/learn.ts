import { classify, commandOf, newShape } from '../wire/index.js';
import { Amendment, type Change } from './amendment.js';
import type { CompiledPolicy } from './compiled.js';
import { placeOf } from './learned-comments.js';
import { applyChanges, withoutLearning } from './merge.js';
import type { PolicyModel } from './model.js';
import { type Need, needOf } from './need.js';
import type { Protection } from './resource-table.js';
import { keyOf, MAX_NEEDS } from './seen.js';

interface Seen {
  readonly need: Need;
  readonly title: string;
  readonly command: number;
  count: number;
}

export interface SavedLearner {
  readonly seen: readonly (readonly [key: string, seen: Seen])[];
  readonly overlooked: number;
}

/**
 * Collects requests that the present policy denies, and writes the policy that would have let them pass, and no more:
 * rights no higher than asked for, rates no higher than seen. Reads of what the filtered view hides are left out,
 * because a guest asks for every id there is; what it does not go on to use it does not need.
 */
export class PolicyLearner {
  readonly #compiled: CompiledPolicy;
  readonly #model: PolicyModel;
  readonly #protection: Protection;
  readonly #seen = new Map<string, Seen>();
  readonly #shape = newShape();
  #overlooked = 0;

  constructor(compiled: CompiledPolicy, model: PolicyModel, protection: Protection) {
    this.#compiled = compiled;
    this.#model = model;
    this.#protection = protection;
  }

  /** Takes one request into account; does nothing with one that the policy lets pass or that is malformed. */
  add(mrq: number, tx: Uint8Array): void {
    const shape = classify(mrq, tx, this.#shape);
    const { verdict, hidden } = this.#compiled.decide(shape, tx);
    if (verdict !== 'deny' || hidden) return;
    const need = needOf(shape, tx, this.#model.chip);
    const key = keyOf(need, mrq, shape.command);
    const seen = this.#seen.get(key);
    if (seen !== undefined) {
      seen.count++;
      if (need.kind !== 'resource' || seen.need.kind !== 'resource') return;
      if ((need.rateHz ?? 0) > (seen.need.rateHz ?? 0)) this.#seen.set(key, { ...seen, need });
    } else if (this.#seen.size < MAX_NEEDS) {
      const title =
        need.kind === 'resource' ? need.action.name : (commandOf(mrq, shape.command)?.title ?? `MRQ ${mrq}`);
      this.#seen.set(key, { need, title, command: shape.command, count: 1 });
    } else {
      this.#overlooked++;
    }
  }

  /** What was seen, for another learner of the same policy; as JSON would hold it. */
  save(): SavedLearner {
    return { seen: [...this.#seen], overlooked: this.#overlooked };
  }

  restore({ seen, overlooked }: SavedLearner): void {
    for (const [key, each] of seen) if (this.#seen.size < MAX_NEEDS) this.#seen.set(key, { ...each });
    this.#overlooked += overlooked;
  }

  /** Different denied requests so far. */
  get size(): number {
    return this.#seen.size;
  }

  /** The present policy with what was learned, as YAML; counts stand as comments. Mode `learn` becomes `enforce`. */
  text(): string {
    const { changes, comments, impossible } = this.#learned();
    let text = applyChanges(this.#model.text, changes, this.#model.chip, comments);
    text = withoutLearning(text);
    const notes = impossible.map((line) => `# ${line}\n`);
    if (this.#overlooked > 0)
      notes.push(`# ${this.#overlooked} requests came after ${MAX_NEEDS} others: learn again\n`);
    if (notes.length === 0) return text;
    return `${text}${text.endsWith('\n') ? '' : '\n'}\n# Denied, and no line can allow it:\n${notes.join('')}`;
  }

  #learned(): { changes: readonly Change[]; comments: Map<Change, string>; impossible: string[] } {
    const amendment = new Amendment(this.#model, this.#protection, { ceilings: true });
    const seen = new Map<string, Counts>();
    const impossible: string[] = [];
    // Rates before parents, so that the right to set both comes with the rate's ceiling.
    for (const { need, title, count } of [...this.#seen.values()].sort((a, b) => a.command - b.command)) {
      const why = amendment.add(need);
      if (why !== undefined) impossible.push(`${count}× ${title}: ${why}`);
      else {
        const counts = seen.get(placeOf(need)) ?? new Map<string, number>();
        seen.set(placeOf(need), counts.set(title, (counts.get(title) ?? 0) + count));
      }
    }
    const changes = [...amendment.changes].sort(
      (a, b) => SECTIONS.indexOf(a.section) - SECTIONS.indexOf(b.section) || a.id - b.id,
    );
    const comments = new Map<Change, string>();
    for (const change of changes) {
      const counts = [...(seen.get(`${change.section} ${change.id}`) ?? [])];
      const titles = counts.map(([title, count]) => `${count}× ${title}`);
      comments.set(change, ` learned: ${titles.length > 0 ? titles.join(', ') : 'a new parent'}`);
    }
    return { changes, comments, impossible };
  }
}

/** How often each command was seen. */
type Counts = Map<string, number>;

const SECTIONS: readonly Change['section'][] = ['clocks', 'resets', 'powerDomains', 'mrqs', 'i2c'];
