import { sharedRootClocks } from '../tegra234/index.js';
import { builtIn } from './builtin.js';
import type { Rule } from './decision.js';
import { grantsAnything, permits } from './grant.js';
import type { GrantLine, PolicyModel } from './model.js';
import { checked, type DecisionPool } from './pool.js';
import type { Action, ResourceKind } from './resource-kind.js';
import type { SharedAnswer } from './rights.js';

/** What the policy says of one id, with the protections that are always there. */
export interface Standing {
  readonly line: GrantLine | undefined;
  /** True for the parent of a granted clock that has no line of its own. */
  readonly closure: boolean;
  readonly root: boolean;
  readonly shared: boolean;
  readonly onShared: SharedAnswer;
  /** True where the VM has any right to it. */
  readonly granted: boolean;
  /** True where it has none but is let see it, because its device tree names it. */
  readonly named: boolean;
}

export interface Protection {
  readonly roots: ReadonlySet<number>;
  readonly closure: ReadonlySet<number>;
  /** Seen without a grant. */
  readonly named: ReadonlySet<number>;
}

export const NO_PROTECTION: Protection = { roots: new Set(), closure: new Set(), named: new Set() };

/** What protects clocks: the chip's shared roots, and the parents that somebody who can ask a BPMP found. */
export function protectionOf(
  sharedParents: Iterable<number> = [],
  namedClocks: Iterable<number> = [],
): Protection {
  return { roots: new Set(sharedRootClocks), closure: new Set(sharedParents), named: new Set(namedClocks) };
}

/** Domains have nothing to be protected of, but may be named. */
export function domainsOf(named: Iterable<number> = []): Protection {
  return { ...NO_PROTECTION, named: new Set(named) };
}

export function standing(
  model: PolicyModel,
  kind: ResourceKind,
  id: number,
  protection: Protection,
): Standing {
  const line = model.resources[kind.section].get(id);
  const closure = line === undefined && protection.closure.has(id);
  const root = protection.roots.has(id);
  const granted = closure || (line !== undefined && grantsAnything(line.grant));
  return {
    line,
    closure,
    root,
    shared: closure || root || line?.grant.shared === true,
    onShared: line?.grant.onShared ?? model.shared,
    granted,
    // A line that gives nothing says that it is to be hidden.
    named: line === undefined && !granted && protection.named.has(id),
  };
}

/** Every decision about one kind of resource: a row per id, a column per action, one row more for unknown ids. */
export class ResourceDecisions {
  readonly granted: Uint8Array;
  /** Granted, or named by the guest's device tree. */
  readonly visible: Uint8Array;
  readonly shared: Uint8Array;
  /** The largest id that is visible; -1 where there is none. */
  readonly maxVisible: number;
  readonly #codes: Uint16Array;
  readonly #stride: number;
  readonly #rows: number;
  readonly #unknownCommand: number;

  constructor(
    model: PolicyModel,
    kind: ResourceKind,
    protection: Protection,
    general: Uint16Array,
    pool: DecisionPool,
  ) {
    const table = kind.table(model.chip);
    const rows = table.maxId + 1;
    this.#rows = rows;
    this.#stride = kind.stride;
    this.#unknownCommand = pool.code('deny', builtIn.unknownCommand);
    this.#codes = new Uint16Array((rows + 1) * kind.stride).fill(this.#unknownCommand);
    this.granted = new Uint8Array(rows);
    this.visible = new Uint8Array(rows);
    this.shared = new Uint8Array(rows);
    const rules = new Rules(model, kind, pool);
    for (let id = 0; id <= rows; id++) {
      const known = id < rows ? standing(model, kind, id, protection) : undefined;
      if (known?.granted) this.granted[id] = 1;
      if (known?.granted || known?.named) this.visible[id] = 1;
      if (known?.shared) this.shared[id] = 1;
      const isKnown = known !== undefined && (known.granted || table.nameOf(id) !== undefined);
      const at = id * kind.stride;
      for (const action of kind.actions) {
        this.#codes[at + action.slot] = isKnown ? rules.known(known, action) : rules.unknown(action);
      }
      for (const { command } of kind.general) this.#codes[at + command] = general[command]!;
    }
    this.maxVisible = this.visible.lastIndexOf(1);
  }

  /** O(1) at any width: an id outside the table has the last row, a command outside it is unknown. */
  codeOf(id: number, slot: number): number {
    if (slot < 0 || slot >= this.#stride) return this.#unknownCommand;
    const row = id >= 0 && id < this.#rows ? id : this.#rows;
    return this.#codes[row * this.#stride + slot] ?? this.#unknownCommand;
  }

  /** True where any request about any id could pass. */
  get passesAny(): boolean {
    return this.maxVisible >= 0;
  }
}

/** The rules of one kind of resource, as codes. */
class Rules {
  readonly #view: PolicyModel['view'];
  readonly #unknownId: Rule;
  readonly #filtered: Rule;
  readonly #full: Rule;
  readonly #pool: DecisionPool;

  constructor(model: PolicyModel, kind: ResourceKind, pool: DecisionPool) {
    this.#view = model.view;
    this.#unknownId = builtIn.unknownId[kind.section];
    this.#filtered = model.viewRule ?? builtIn.filtered;
    this.#full = model.viewRule ?? builtIn.fullView;
    this.#pool = pool;
  }

  known(standing: Standing, action: Action): number {
    const { line, closure, root, shared, onShared } = standing;
    const rule = line?.rule ?? (closure ? builtIn.parent : undefined);
    const grant = line?.grant ?? (closure ? ({ right: 'use' } as const) : undefined);
    if (rule === undefined || grant === undefined || !permits(grant, action, shared)) {
      if (standing.named && action.readOnly && this.#view === 'filtered') {
        return this.#pass(action, builtIn.asked);
      }
      return this.#refused(action, rule, standing.granted);
    }
    if (shared && action.harmsOthers) {
      return this.#pool.code(onShared === 'absorb' ? 'absorb' : 'deny', root ? builtIn.sharedRoots : rule);
    }
    return this.#pass(action, rule);
  }

  unknown(action: Action): number {
    return this.#refused(
      action,
      action.readOnly && this.#view === 'filtered' ? undefined : this.#unknownId,
      false,
    );
  }

  #refused(action: Action, rule: Rule | undefined, granted: boolean): number {
    if (!action.readOnly) return this.#pool.code('deny', rule ?? builtIn.notGranted);
    if (this.#view === 'full') return this.#pass(action, this.#full);
    return this.#pool.code('deny', rule ?? this.#filtered, true, !granted);
  }

  #pass(action: Action, rule: Rule): number {
    return checked(this.#pool.code('allow', rule, action.readOnly), action.check);
  }
}
