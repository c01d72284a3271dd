import { sharedRootClocks } from '../tegra234/index.js';
import { type ChipNames, classify, mrqs, newShape } from '../wire/index.js';
import { allowedByDefault } from './builtin.js';
import { CompiledPolicy } from './compiled.js';
import { isAsExpected } from './expectation.js';
import { type Grant, grantsAnything } from './grant.js';
import { leastGrant, type ResourceSeen } from './least-grant.js';
import type { PolicyModel, View } from './model.js';
import { Check, resourceKind, resourceKinds, type SectionName } from './resource-kind.js';
import { domainsOf, protectionOf } from './resource-table.js';
import type { SharedAnswer } from './rights.js';
import type { Seen } from './seen.js';

/** All clocks above some, up to the roots: who can ask a BPMP knows them. */
export type ClocksAbove = (clocks: readonly number[]) => ReadonlySet<number>;

/** The lines of a policy, before they are written. */
export interface Lines {
  readonly resources: Readonly<Record<SectionName, Map<number, Grant>>>;
  /** Commands by MRQ; an MRQ that is not here has its default. */
  readonly families: Map<number, ReadonlySet<number>>;
  /** I2C addresses by bus. */
  readonly buses: Map<number, ReadonlySet<number>>;
  view: View;
}

export interface LeastOptions {
  readonly chip: ChipNames;
  readonly shared: SharedAnswer;
  readonly view: View;
  /** Whether the view may become `full` where a read takes it. */
  readonly mayWiden: boolean;
  readonly above: ClocksAbove;
}

/** The least lines by which everything that was seen fares as it did. */
export class LeastLines {
  readonly lines: Lines;
  readonly #options: LeastOptions;
  readonly #seen: readonly Seen[];
  readonly #shape = newShape();

  constructor(seen: readonly Seen[], options: LeastOptions) {
    this.#options = options;
    this.#seen = seen;
    this.lines = {
      resources: { clocks: new Map(), resets: new Map(), powerDomains: new Map() },
      families: familiesOf(seen),
      buses: busesOf(seen),
      view: options.view,
    };
    this.#grant();
    this.#grantParents();
    this.#denyWhatParentsLet();
    this.#view();
    this.#leaveOut();
  }

  /** What does not fare as it did all the same: the captures contradict each other, or themselves. */
  contradictions(): Seen[] {
    const compiled = this.#compile();
    return this.#seen.filter(
      (seen) => seen.need.kind !== 'never' && !seen.byView && !this.#holds(compiled, seen),
    );
  }

  #grant(): void {
    const byResource = new Map<string, (Seen & ResourceSeen)[]>();
    for (const seen of this.#seen) {
      if (!isResource(seen) || seen.byView) continue;
      const key = `${seen.need.section} ${seen.need.id}`;
      const others = byResource.get(key);
      if (others) others.push(seen);
      else byResource.set(key, [seen]);
    }
    for (const seen of byResource.values()) {
      const { section, id } = seen[0]!.need;
      const grant = this.#grantFor(section, id, seen);
      if (grantsAnything(grant)) this.lines.resources[section].set(id, grant);
    }
  }

  #grantFor(section: SectionName, id: number, seen: readonly ResourceSeen[]): Grant {
    const isRoot = section === 'clocks' && sharedRootClocks.includes(id);
    return leastGrant(resourceKind[section], seen, isRoot, this.#options.shared);
  }

  /** A clock may be put on another that the VM has any right to. */
  #grantParents(): void {
    const { clocks } = this.lines.resources;
    for (const { need, want, byView } of this.#seen) {
      if (need.kind !== 'resource' || need.action.check !== Check.PARENT || byView) continue;
      if (need.parent === undefined || want === 'deny' || want === 'absorb') continue;
      if (clocks.has(need.parent) || this.#options.chip.clocks.nameOf(need.parent) === undefined) continue;
      if (clocks.get(need.id)?.shared !== true) clocks.set(need.parent, this.#parentGrant(need.parent));
    }
  }

  /** Any right will do: to read, or a single command where reading was denied. */
  #parentGrant(id: number): Grant {
    const denied = this.#seen.flatMap(({ need, want }) =>
      need.kind === 'resource' && need.section === 'clocks' && need.id === id && want === 'deny'
        ? [need.action]
        : [],
    );
    if (!denied.some(({ readOnly }) => readOnly)) return { right: 'read' };
    const { actions } = resourceKind.clocks;
    const other = [...actions]
      .sort((a, b) => Number(b.readOnly) - Number(a.readOnly))
      .find(({ name }) => !denied.some((action) => action.name === name));
    return other === undefined ? { right: 'read' } : { commands: [other.name] };
  }

  /** The parents of granted clocks are granted without a line; where that lets pass what was denied, a line takes it back. */
  #denyWhatParentsLet(): void {
    const compiled = this.#compile();
    const { clocks } = this.lines.resources;
    for (const seen of this.#seen) {
      if (seen.want !== 'deny' || !isResource(seen) || seen.need.section !== 'clocks') continue;
      if (!clocks.has(seen.need.id) && !this.#holds(compiled, seen))
        clocks.set(seen.need.id, { right: 'none' });
    }
  }

  #view(): void {
    if (this.lines.view === 'full' || !this.#options.mayWiden) return;
    const compiled = this.#compile();
    if (this.#seen.some((seen) => seen.byView && !this.#holds(compiled, seen))) this.lines.view = 'full';
  }

  /**
   * Takes out each line without which everything fares the same: a parent's, or a read that the full view gives. What
   * goes may have been all that another was for, so until nothing goes.
   */
  #leaveOut(): void {
    let before: number;
    const { clocks, powerDomains } = this.lines.resources;
    do {
      before = clocks.size + powerDomains.size;
      this.#leaveOutOf('clocks');
      this.#leaveOutOf('powerDomains');
    } while (clocks.size + powerDomains.size < before);
  }

  #leaveOutOf(section: 'clocks' | 'powerDomains'): void {
    const lines = this.lines.resources[section];
    const concerned = this.#seen.filter(
      (seen): seen is Seen & ResourceSeen =>
        isResource(seen) && seen.need.section === section && !(seen.byView && !this.#options.mayWiden),
    );
    for (const [id, grant] of [...lines].sort(([a], [b]) => a - b)) {
      lines.delete(id);
      const compiled = this.#compile();
      // Of all clocks: what hangs on this one may be granted by it, and what another hangs on too.
      if (!concerned.every((seen) => this.#holds(compiled, seen))) lines.set(id, grant);
    }
  }

  #holds(compiled: CompiledPolicy, { mrq, tx, want }: Seen): boolean {
    return isAsExpected(want, compiled.decide(classify(mrq, tx, this.#shape), tx).verdict);
  }

  #compile(): CompiledPolicy {
    const { chip, shared, above } = this.#options;
    const { resources, families, buses, view } = this.lines;
    const rule = { text: 'learned' };
    const granted = [...resources.clocks].flatMap(([id, grant]) => (grantsAnything(grant) ? [id] : []));
    const lined = (lines: ReadonlyMap<number, Grant>) =>
      new Map([...lines].map(([id, grant]) => [id, { grant, rule }]));
    const model: PolicyModel = {
      file: 'learned',
      text: '',
      chip,
      view,
      viewRule: undefined,
      mode: 'enforce',
      shared,
      limit: undefined,
      resources: {
        clocks: lined(resources.clocks),
        resets: lined(resources.resets),
        powerDomains: lined(resources.powerDomains),
      },
      families: new Map([...families].map(([mrq, commands]) => [mrq, { commands, rule }])),
      buses: new Map([...buses].map(([bus, addresses]) => [bus, { addresses, rule }])),
      forward: undefined,
      warnings: [],
    };
    return new CompiledPolicy(model, protectionOf(above(granted)), domainsOf());
  }
}

function isResource(seen: Seen): seen is Seen & ResourceSeen {
  return seen.need.kind === 'resource';
}

/** An MRQ has a line where something was used beyond its default, or something of its default was denied. */
function familiesOf(seen: readonly Seen[]): Map<number, ReadonlySet<number>> {
  const families = new Map<number, ReadonlySet<number>>();
  for (const family of mrqs.values()) {
    const own = seen.filter(
      ({ need, byView }) => need.kind === 'family' && need.mrq === family.number && !byView,
    );
    if (own.length === 0) continue;
    const byDefault = family.commands.flatMap(({ title, number }) =>
      Object.hasOwn(allowedByDefault, title) ? [number] : [],
    );
    const commandsOf = (denied: boolean) =>
      own.flatMap(({ want, command }) => ((want === 'deny') === denied ? [command] : []));
    const used = commandsOf(false);
    const denied = commandsOf(true).filter((command) => !used.includes(command));
    const commands = new Set([...byDefault, ...used].filter((command) => !denied.includes(command)));
    if (commands.size !== byDefault.length || byDefault.some((command) => !commands.has(command)))
      families.set(family.number, commands);
  }
  return families;
}

function busesOf(seen: readonly Seen[]): Map<number, ReadonlySet<number>> {
  const buses = new Map<number, Set<number>>();
  for (const { need, want } of seen) {
    if (need.kind !== 'bus' || want === 'deny') continue;
    const addresses = buses.get(need.bus) ?? new Set();
    for (const address of need.addresses) addresses.add(address);
    buses.set(need.bus, addresses);
  }
  return buses;
}

/** The sections that hold resources, in the order in which a policy has them. */
export const sections: readonly SectionName[] = resourceKinds.map(({ section }) => section);
