import { type ChipNames, mrqs } from '../wire/index.js';
import type { Change } from './amendment.js';
import type { SeenTransfer } from './expectation.js';
import { formatGrant } from './grant.js';
import { commentOf, type DeviceOf, headOf, placeOf } from './learned-comments.js';
import { type ClocksAbove, LeastLines, type Lines, sections } from './least.js';
import { busValue, familyValue } from './line-values.js';
import { applyChanges, removeLines, withoutLearning } from './merge.js';
import type { PolicyModel, View } from './model.js';
import { resourceKind } from './resource-kind.js';
import { MAX_NEEDS, type Seen, SeenRequests, type SeenTotals } from './seen.js';

export interface TraceLearnerOptions {
  /** Learn also what a policy that was enforced denied. */
  readonly includeDenied?: boolean;
}

export interface WriteOptions {
  readonly above: ClocksAbove;
  /** The policy that is there: what it says beyond its lines stays, and so do its lines and comments that are still right. */
  readonly present?: PolicyModel;
  /** `filtered` leaves out reads that nothing but a full view let pass. By default the view is what was seen to be needed. */
  readonly view?: View;
  /** Where it was seen, for the first line. */
  readonly source?: string;
  /** Whose a resource is, for the comment. */
  readonly deviceOf?: DeviceOf;
}

export interface Learned {
  readonly text: string;
  readonly lines: number;
  /** What no line can let pass, or what two records contradict each other in; one line each. */
  readonly notes: readonly string[];
  readonly totals: SeenTotals;
}

/**
 * Writes the least policy by which recorded requests fare as they did: what was allowed is allowed, what was absorbed is
 * absorbed, what was denied is denied. Reads of what a view hid are left out, because a guest asks for every id there is.
 */
export class TraceLearner {
  readonly #chip: ChipNames;
  readonly #seen: SeenRequests;

  constructor(chip: ChipNames, options: TraceLearnerOptions = {}) {
    this.#chip = chip;
    this.#seen = new SeenRequests(chip, options);
  }

  add(transfer: SeenTransfer & { readonly vm?: string }): void {
    this.#seen.add(transfer);
  }

  get totals(): SeenTotals {
    return this.#seen.totals;
  }

  learned(options: WriteOptions): Learned {
    const { present, above } = options;
    const seen = this.#seen.all;
    const least = new LeastLines(seen, {
      chip: this.#chip,
      shared: present?.shared ?? 'absorb',
      view: options.view ?? present?.view ?? 'filtered',
      mayWiden: options.view === undefined && present === undefined,
      above,
    });
    const changes = changesOf(least.lines, this.#chip);
    const notes = [
      ...impossible(seen),
      ...least.contradictions().map(({ count, title, need }) => {
        const place = placeOf(need);
        return `${count}× ${title} (${place}): not always answered alike, and no policy can do that`;
      }),
      ...(this.totals.overlooked > 0
        ? [`${this.totals.overlooked} requests came after ${MAX_NEEDS} different ones: learn again`]
        : []),
    ];
    const comments = this.#comments(changes, seen, options.deviceOf);
    const text =
      present === undefined
        ? this.#written(least.lines.view, changes, comments, notes, options)
        : revised(present, changes, comments, this.#chip);
    return { text, lines: changes.length, notes, totals: this.totals };
  }

  #comments(
    changes: readonly Change[],
    seen: readonly Seen[],
    deviceOf: DeviceOf | undefined,
  ): Map<Change, string> {
    const byPlace = new Map<string, Seen[]>();
    for (const each of seen) {
      const place = placeOf(each.need);
      byPlace.set(place, [...(byPlace.get(place) ?? []), each]);
    }
    return new Map(
      changes.map((change) => {
        const own = byPlace.get(`${change.section} ${change.id}`) ?? [];
        const device =
          change.section === 'mrqs' || change.section === 'i2c'
            ? undefined
            : deviceOf?.(change.section, change.id);
        return [change, commentOf(own, change.value, this.totals, device)];
      }),
    );
  }

  #written(
    view: View,
    changes: readonly Change[],
    comments: ReadonlyMap<Change, string>,
    notes: readonly string[],
    { source }: WriteOptions,
  ): string {
    const lines = [...headOf(this.totals, source), 'version: 1'];
    if (view === 'full') lines.push('view: full # the guest read what no line below gives it');
    let section: string | undefined;
    for (const change of changes) {
      if (change.section !== section) lines.push('', `${change.section}:`);
      section = change.section;
      lines.push(`  ${change.key}: ${change.value} #${comments.get(change)}`);
    }
    if (notes.length > 0) lines.push('', '# Not learned:', ...notes.map((note) => `# ${note}`));
    return `${lines.join('\n')}\n`;
  }
}

/** The lines as a policy has them, in its order. */
function changesOf({ resources, families, buses }: Lines, chip: ChipNames): Change[] {
  const byId = <Value>(map: ReadonlyMap<number, Value>) => [...map].sort(([a], [b]) => a - b);
  return [
    ...sections.flatMap((section) =>
      byId(resources[section]).map(([id, grant]): Change => {
        const key = resourceKind[section].table(chip).nameOf(id) ?? String(id);
        return { section, key, value: formatGrant(grant), id };
      }),
    ),
    ...byId(families).map(([id, commands]): Change => {
      const family = mrqs.get(id)!;
      return { section: 'mrqs', key: family.name, value: familyValue(family, commands), id };
    }),
    ...byId(buses).map(
      ([id, addresses]): Change => ({ section: 'i2c', key: String(id), value: busValue(addresses), id }),
    ),
  ];
}

/** The present policy with the lines that are wanted, and no others. */
function revised(
  present: PolicyModel,
  wanted: readonly Change[],
  comments: ReadonlyMap<Change, string>,
  chip: ChipNames,
): string {
  const there = presentLines(present, chip);
  const keyOf = ({ section, id }: Omit<Change, 'value'>) => `${section} ${id}`;
  const values = new Map(there.map((line) => [keyOf(line), line.value]));
  const needed = new Set(wanted.map(keyOf));
  const changed = wanted.filter((change) => values.get(keyOf(change)) !== change.value);
  const gone = there.filter((line) => !needed.has(keyOf(line)));
  const kept = removeLines(present.text, gone, chip);
  return withoutLearning(
    applyChanges(kept, changed, chip, new Map(changed.map((change) => [change, comments.get(change)!]))),
  );
}

function presentLines({ resources, families, buses }: PolicyModel, chip: ChipNames): Change[] {
  return changesOf(
    {
      resources: {
        clocks: new Map([...resources.clocks].map(([id, { grant }]) => [id, grant])),
        resets: new Map([...resources.resets].map(([id, { grant }]) => [id, grant])),
        powerDomains: new Map([...resources.powerDomains].map(([id, { grant }]) => [id, grant])),
      },
      families: new Map([...families].map(([mrq, { commands }]) => [mrq, commands])),
      buses: new Map([...buses].map(([bus, { addresses }]) => [bus, addresses])),
      view: 'filtered',
    },
    chip,
  );
}

function impossible(seen: readonly Seen[]): string[] {
  return seen.flatMap(({ need, count, title, byView }) =>
    need.kind === 'never' && !byView ? [`${count}× ${title}: ${need.why}`] : [],
  );
}
