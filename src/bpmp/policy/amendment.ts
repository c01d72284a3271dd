import { mrqs } from '../wire/index.js';
import { allowedByDefault } from './builtin.js';
import { formatGrant, type Grant, NO_GRANT, neededRight, permits } from './grant.js';
import { busValue, familyValue } from './line-values.js';
import type { BusLine, FamilyLine, GrantLine, PolicyModel } from './model.js';
import type { Need } from './need.js';
import { Check, resourceKind, type SectionName } from './resource-kind.js';
import { NO_PROTECTION, type Protection, standing } from './resource-table.js';
import { higher } from './rights.js';

/** One line to set: what it is under, what it speaks of, and the YAML that stands behind its colon. */
export interface Change {
  readonly section: SectionName | 'mrqs' | 'i2c';
  readonly key: string;
  readonly value: string;
  /** The id, MRQ or bus that the key names, for finding the lines that speak of it already. */
  readonly id: number;
}

const RULE = { text: 'amendment' };

/** The least that has to be added to a policy so that given requests pass. */
export class Amendment {
  readonly #model: PolicyModel & {
    readonly resources: Readonly<Record<SectionName, Map<number, GrantLine>>>;
    readonly families: Map<number, FamilyLine>;
    readonly buses: Map<number, BusLine>;
  };
  readonly #protection: Protection;
  readonly #ceilings: boolean;
  readonly #changes = new Map<string, Change>();

  /** @param options.ceilings whether a right to set a rate is given with the rates seen as its ceiling */
  constructor(model: PolicyModel, protection: Protection, options: { ceilings?: boolean } = {}) {
    const { clocks, resets, powerDomains } = model.resources;
    this.#model = {
      ...model,
      resources: { clocks: new Map(clocks), resets: new Map(resets), powerDomains: new Map(powerDomains) },
      families: new Map(model.families),
      buses: new Map(model.buses),
    };
    this.#protection = protection;
    this.#ceilings = options.ceilings ?? false;
  }

  get changes(): readonly Change[] {
    return [...this.#changes.values()];
  }

  /** `clocks: {GPC0CLK: use}`: what merges into the policy; undefined where nothing has to change. */
  get fragment(): string | undefined {
    const sections = new Map<string, string[]>();
    for (const { section, key, value } of this.changes) {
      const lines = sections.get(section) ?? [];
      lines.push(`${key}: ${value}`);
      sections.set(section, lines);
    }
    const parts = [...sections].map(([section, lines]) => `${section}: {${lines.join(', ')}}`);
    if (parts.length === 0) return undefined;
    return parts.length === 1 ? parts[0] : `{${parts.join(', ')}}`;
  }

  /** Adds what the request takes; answers why where no line can allow it. */
  add(need: Need): string | undefined {
    switch (need.kind) {
      case 'never':
        return need.why;
      case 'family':
        return this.#addCommand(need.mrq, need.command);
      case 'bus':
        return this.#addAddresses(need.bus, need.addresses);
      case 'resource':
        return this.#addResource(need);
    }
  }

  #addResource({
    section,
    id,
    action,
    rateHz,
    parent,
  }: Extract<Need, { kind: 'resource' }>): string | undefined {
    const { line, closure, root, shared, onShared } = standing(
      this.#model,
      resourceKind[section],
      id,
      section === 'clocks' ? this.#protection : NO_PROTECTION,
    );
    let grant: Grant = line?.grant ?? (closure ? { right: 'use', shared: true } : NO_GRANT);
    if (!permits(grant, action, shared)) {
      grant = raise(grant, action.name, neededRight(action, shared));
      if (root && grant.right === 'use') grant = { ...grant, shared: true };
      if (this.#ceilings && !shared && Number.isFinite(rateHz))
        grant = { ...grant, maxRateHz: Math.max(1, rateHz!) };
    }
    if (shared && action.harmsOthers) {
      if (onShared === 'deny') grant = { ...grant, onShared: 'absorb' };
    } else if (rateHz !== undefined && grant.maxRateHz !== undefined && rateHz > grant.maxRateHz) {
      const { maxRateHz: _, ...open } = grant;
      grant = Number.isFinite(rateHz) ? { ...open, maxRateHz: rateHz } : open;
    } else if (action.check === Check.PARENT && parent !== undefined) {
      const why = this.#addParent(parent);
      if (why !== undefined) return why;
    }
    this.#setGrant(section, id, grant, line?.grant);
    return undefined;
  }

  #addParent(parent: number): string | undefined {
    const { chip } = this.#model;
    const kind = resourceKind.clocks;
    if (chip.clocks.nameOf(parent) === undefined) return `${chip.chip} has no clock ${parent} to be a parent`;
    const { granted, line } = standing(this.#model, kind, parent, this.#protection);
    if (!granted) this.#setGrant('clocks', parent, { ...line?.grant, right: 'read' }, line?.grant);
    return undefined;
  }

  #setGrant(section: SectionName, id: number, grant: Grant, before: Grant | undefined): void {
    if (grant === before || (before === undefined && grant === NO_GRANT)) return;
    this.#model.resources[section].set(id, { grant, rule: RULE });
    const key = resourceKind[section].table(this.#model.chip).nameOf(id)!;
    this.#set({ section, key, value: formatGrant(grant), id });
  }

  #addCommand(mrq: number, command: number): string | undefined {
    const family = mrqs.get(mrq)!;
    const present = this.#model.families.get(mrq)?.commands;
    const defaults = family.commands.filter(({ title }) => Object.hasOwn(allowedByDefault, title));
    const commands = new Set(present ?? defaults.map(({ number }) => number)).add(command);
    this.#model.families.set(mrq, { commands, rule: RULE });
    this.#set({ section: 'mrqs', key: family.name, value: familyValue(family, commands), id: mrq });
    return undefined;
  }

  #addAddresses(bus: number, added: readonly number[]): string | undefined {
    const addresses = new Set([...(this.#model.buses.get(bus)?.addresses ?? []), ...added]);
    this.#model.buses.set(bus, { addresses, rule: RULE });
    this.#set({ section: 'i2c', key: String(bus), value: busValue(addresses), id: bus });
    return undefined;
  }

  #set(change: Change): void {
    this.#changes.set(`${change.section} ${change.key}`, change);
  }
}

function raise(grant: Grant, command: string, needed: 'read' | 'use' | 'tune'): Grant {
  const right = higher(grant.right ?? 'none', needed);
  if (grant.commands === undefined) return { ...grant, right };
  const commands = [...new Set([...grant.commands, command])];
  return grant.right === undefined ? { ...grant, commands } : { ...grant, right, commands };
}
