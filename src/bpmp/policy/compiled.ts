import { type ChipNames, Mrq, PgCommand, type Shape, ShapeStatus } from '../wire/index.js';
import { builtIn } from './builtin.js';
import type { Decision } from './decision.js';
import { type Explanation, explain } from './explain.js';
import { buildFamilyTable, type FamilyTable, passesAny } from './family-table.js';
import { forwardedIds } from './forward.js';
import { I2cWalk, walkSegments } from './i2c.js';
import type { Limit, Mode, PolicyModel, View } from './model.js';
import { needOf } from './need.js';
import { CHECK_SHIFT, DecisionPool, INDEX_MASK } from './pool.js';
import type { PolicyWarning } from './problems.js';
import { Check, PG_OFF_SLOT, resourceKind, type SectionName } from './resource-kind.js';
import { NO_PROTECTION, type Protection, ResourceDecisions } from './resource-table.js';
import type { SharedAnswer } from './rights.js';
import { protectionWarnings } from './warnings.js';

const NO_ADDRESSES = new Uint8Array(0);
const POWER_OFF = 0;
const POWER_ON = 1;

/** A policy as tables: what a VM's mediator asks. Made by `Policy.compile`. */
export class CompiledPolicy {
  readonly chip: ChipNames;
  readonly view: View;
  readonly mode: Mode;
  /** What the guest is told that changes something shared, where no line says otherwise. */
  readonly shared: SharedAnswer;
  readonly limit: Limit | undefined;
  readonly warnings: readonly PolicyWarning[];
  /** The clocks that a line gives any right to, ascending; their parents are what `sharedParents` should hold. */
  readonly grantedClocks: readonly number[];
  readonly grantedResets: readonly number[];
  readonly grantedPowerDomains: readonly number[];
  /** The I2C buses that have an address which the VM may talk to, ascending. */
  readonly grantedBuses: readonly number[];
  readonly #model: PolicyModel;
  readonly #protection: Protection;
  readonly #pool = new DecisionPool();
  readonly #families: FamilyTable;
  readonly #clocks: ResourceDecisions;
  readonly #resets: ResourceDecisions;
  readonly #powerDomains: ResourceDecisions;
  readonly #forwarded: Readonly<Record<SectionName, ReadonlySet<number>>> | undefined;
  readonly #buses: readonly (Uint8Array | undefined)[];
  readonly #busGrants: readonly (Decision | undefined)[];
  /** By clock: the largest rate in Hz, and what is decided above it. */
  readonly #ceilings: Float64Array;
  readonly #aboveCeiling: readonly (Decision | undefined)[];
  readonly #decisions: readonly Decision[];
  readonly #truncated: Decision;
  readonly #unknownMrq: Decision;
  readonly #unknownCommand: Decision;
  readonly #negativeRate: Decision;
  readonly #hiddenParent: Decision;
  readonly #powerState: Decision;
  readonly #i2cSegments: Decision;
  readonly #i2cAddress: Decision;

  constructor(model: PolicyModel, protection: Protection, domains: Protection = NO_PROTECTION) {
    const pool = this.#pool;
    // The first, so that a table entry of 0 denies.
    this.#unknownCommand = pool.decision('deny', builtIn.unknownCommand);
    this.#model = model;
    this.chip = model.chip;
    this.view = model.view;
    this.mode = model.mode;
    this.shared = model.shared;
    this.limit = model.limit;
    this.#protection = protection;
    this.#families = buildFamilyTable(model, pool);
    const table = (kind: 'clocks' | 'resets' | 'powerDomains', protection: Protection): ResourceDecisions => {
      const spec = resourceKind[kind];
      return new ResourceDecisions(model, spec, protection, this.#families[spec.mrq]!, pool);
    };
    this.#clocks = table('clocks', this.#protection);
    this.#resets = table('resets', NO_PROTECTION);
    this.#powerDomains = table('powerDomains', domains);
    this.grantedClocks = grantedIds(this.#clocks, model.resources.clocks);
    this.grantedResets = grantedIds(this.#resets, model.resources.resets);
    this.grantedPowerDomains = grantedIds(this.#powerDomains, model.resources.powerDomains);
    const { forward } = model;
    if (forward !== undefined && model.mode === 'learn') {
      const ids = (kind: SectionName, table: ResourceDecisions) =>
        forwardedIds(forward[kind], (id) => table.granted[id] === 1 && table.shared[id] === 0);
      this.#forwarded = {
        clocks: ids('clocks', this.#clocks),
        resets: ids('resets', this.#resets),
        powerDomains: ids('powerDomains', this.#powerDomains),
      };
    }
    this.#ceilings = new Float64Array(model.chip.clocks.maxId + 1).fill(Number.POSITIVE_INFINITY);
    const above: (Decision | undefined)[] = Array.from({ length: this.#ceilings.length });
    for (const [id, { grant, rule }] of model.resources.clocks) {
      if (grant.maxRateHz === undefined) continue;
      this.#ceilings[id] = grant.maxRateHz;
      above[id] = pool.decision('deny', rule);
    }
    this.#aboveCeiling = above;
    const buses: (Uint8Array | undefined)[] = [];
    const busGrants: (Decision | undefined)[] = [];
    for (const [bus, { addresses, rule }] of model.buses) {
      const allowed = new Uint8Array(0x80);
      if (addresses.size === 0) continue;
      for (const address of addresses) allowed[address] = 1;
      buses[bus] = allowed;
      busGrants[bus] = pool.decision('allow', rule);
    }
    this.grantedBuses = [...buses.keys()].filter((bus) => buses[bus] !== undefined);
    this.#buses = Array.from(buses);
    this.#busGrants = Array.from(busGrants);
    this.#truncated = pool.decision('malformed', builtIn.truncated);
    this.#unknownMrq = pool.decision('deny', builtIn.unknownMrq);
    this.#negativeRate = pool.decision('deny', builtIn.negativeRate);
    this.#hiddenParent = pool.decision('deny', builtIn.hiddenParent);
    this.#powerState = pool.decision('deny', builtIn.powerState);
    this.#i2cSegments = pool.decision('malformed', builtIn.i2cSegments);
    this.#i2cAddress = pool.decision('deny', builtIn.i2cAddress);
    this.#decisions = pool.decisions;
    this.warnings = [...model.warnings, ...protectionWarnings(model, this.#protection)];
  }

  /** Decides one request from its shape and, where a rate, a parent or a state matters, its payload. O(1), never throws. */
  decide(shape: Shape, tx: Uint8Array): Decision {
    if (shape.status !== ShapeStatus.OK) return this.#misshapen(shape);
    switch (shape.mrq) {
      case Mrq.CLK:
        return this.#decideClock(shape, tx);
      case Mrq.RESET:
        return this.#decisions[this.#resets.codeOf(shape.id, shape.command)]!;
      case Mrq.PG:
        return this.#decidePower(shape, tx);
      case Mrq.I2C:
        return this.#decideI2c(shape, tx);
    }
    const row = shape.mrq < this.#families.length ? this.#families[shape.mrq] : undefined;
    if (row === undefined) return this.#unknownMrq;
    const code = shape.command < row.length ? row[shape.command] : undefined;
    return code === undefined ? this.#unknownCommand : this.#decisions[code]!;
  }

  /** What is carried out while the policy learns, by section and id; undefined where nothing is. */
  get forwarded(): Readonly<Record<SectionName, ReadonlySet<number>>> | undefined {
    return this.#forwarded;
  }

  /**
   * Whether `learn.forward` names what a request that is denied or absorbed would change, so that it is carried out all
   * the same; in no mode but `learn`. What no line could allow is never carried out.
   */
  isForwarded(shape: Shape, tx: Uint8Array): boolean {
    if (this.#forwarded === undefined) return false;
    const need = needOf(shape, tx, this.chip);
    if (need.kind !== 'resource' || !this.#forwarded[need.section].has(need.id)) return false;
    return need.parent === undefined || this.chip.clocks.nameOf(need.parent) !== undefined;
  }

  /** The same decision with its reasons, for people; costs far more. */
  explain(mrq: number, tx: Uint8Array): Explanation {
    return explain(this, this.#model, this.#protection, mrq, tx);
  }

  /** True where the view lets the guest see the clock; in the full view, always. */
  isClockVisible(id: number): boolean {
    return this.view === 'full' || this.#clocks.visible[id] === 1;
  }

  /** True where the VM has a right to it, be it the parent's of a granted clock. */
  isClockGranted(id: number): boolean {
    return this.#clocks.granted[id] === 1;
  }

  isResetVisible(id: number): boolean {
    return this.view === 'full' || this.#resets.granted[id] === 1;
  }

  isPowerDomainVisible(id: number): boolean {
    return this.view === 'full' || this.#powerDomains.visible[id] === 1;
  }

  /** True where some request of this MRQ could pass; what QUERY_ABI should answer in the filtered view. */
  isMrqVisible(mrq: number): boolean {
    if (passesAny(this.#families, mrq, this.#pool)) return true;
    if (mrq === Mrq.CLK) return this.view === 'full' || this.#clocks.passesAny;
    if (mrq === Mrq.RESET) return this.#resets.passesAny;
    if (mrq === Mrq.PG) return this.view === 'full' || this.#powerDomains.passesAny;
    return mrq === Mrq.I2C && this.#busGrants.length > 0;
  }

  /** The largest clock id that the guest may see; -1 where there is none. */
  get maxVisibleClock(): number {
    return this.view === 'full' ? this.chip.clocks.maxId : this.#clocks.maxVisible;
  }

  get maxVisibleReset(): number {
    return this.view === 'full' ? this.chip.resets.maxId : this.#resets.maxVisible;
  }

  get maxVisiblePowerDomain(): number {
    return this.view === 'full' ? this.chip.powerDomains.maxId : this.#powerDomains.maxVisible;
  }

  /** True where somebody else uses the resource too, so that taking it away is not forwarded. */
  isShared(kind: 'clock' | 'reset' | 'powerDomain', id: number): boolean {
    const table = kind === 'clock' ? this.#clocks : kind === 'reset' ? this.#resets : this.#powerDomains;
    return table.shared[id] === 1;
  }

  #misshapen(shape: Shape): Decision {
    if (shape.status === ShapeStatus.TRUNCATED) return this.#truncated;
    return shape.status === ShapeStatus.UNKNOWN_MRQ ? this.#unknownMrq : this.#unknownCommand;
  }

  #decideClock(shape: Shape, tx: Uint8Array): Decision {
    const { id } = shape;
    const code = this.#clocks.codeOf(id, shape.command);
    const allow = this.#decisions[code & INDEX_MASK]!;
    switch (code >>> CHECK_SHIFT) {
      case Check.NONE:
        return allow;
      case Check.PARENT:
        // An unknown parent is beyond the table, and so not granted.
        return tx.length >= 8 && this.#clocks.granted[u32(tx, 4)] === 1 ? allow : this.#hiddenParent;
      default:
        return this.#checkRate(code, id, tx, allow);
    }
  }

  /** `struct cmd_clk_set_rate_request`: an s64 after 4 unused bytes. */
  #checkRate(code: number, id: number, tx: Uint8Array, allow: Decision): Decision {
    if (tx.length < 16) return this.#truncated;
    const high = u32(tx, 12);
    if (high >= 0x8000_0000) return this.#negativeRate;
    if (code >>> CHECK_SHIFT !== Check.CEILING) return allow;
    // A ceiling is below 2^53, and rounding a larger rate to a double does not bring it below.
    const rateHz = high * 0x1_0000_0000 + u32(tx, 8);
    return rateHz > this.#ceilings[id]! ? (this.#aboveCeiling[id] ?? this.#unknownCommand) : allow;
  }

  /** `struct mrq_pg_request`: cmd, id, then for SET_STATE the state. */
  #decidePower(shape: Shape, tx: Uint8Array): Decision {
    let slot = shape.command;
    if (slot === PG_OFF_SLOT) return this.#unknownCommand;
    if (slot === PgCommand.SET_STATE) {
      if (tx.length < 12) return this.#truncated;
      const state = u32(tx, 8);
      if (state === POWER_OFF) slot = PG_OFF_SLOT;
      else if (state !== POWER_ON) return this.#powerState;
    }
    return this.#decisions[this.#powerDomains.codeOf(shape.id, slot)]!;
  }

  #decideI2c(shape: Shape, tx: Uint8Array): Decision {
    const bus = shape.id;
    const known = bus >= 0 && bus < this.#buses.length;
    const result = walkSegments(tx, (known ? this.#buses[bus] : undefined) ?? NO_ADDRESSES);
    if (result === I2cWalk.BROKEN) return this.#i2cSegments;
    const grant = known && result === I2cWalk.FITS ? this.#busGrants[bus] : undefined;
    return grant ?? this.#i2cAddress;
  }
}

function u32(tx: Uint8Array, at: number): number {
  return (tx[at]! | (tx[at + 1]! << 8) | (tx[at + 2]! << 16) | (tx[at + 3]! << 24)) >>> 0;
}

function grantedIds(table: ResourceDecisions, lines: ReadonlyMap<number, unknown>): number[] {
  return [...lines.keys()].filter((id) => table.granted[id] === 1).sort((a, b) => a - b);
}
