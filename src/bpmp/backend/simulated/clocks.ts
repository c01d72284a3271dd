import { BpmpError, ClkCommand, type ResourceTable } from '../../wire/index.js';
import { i64, type Reply, u32 } from './bytes.js';
import { buildClockTree, type Clock, ClockKind } from './clock-tree.js';
import { ModelMemory } from './model-memory.js';

/**
 * MRQ_CLK. A clock's state is what the CPU has asked for, as the ABI has it: enabling a child does not show on its
 * parents, and a second enable is not counted. A rate that is set is rounded down to one that can be made, so a
 * guest never gets more than it asked for unless it asks for less than there is.
 */
export class Clocks {
  readonly clocks: readonly (Clock | undefined)[];
  readonly enabled: Uint8Array;
  readonly parents: Uint16Array;
  /** Hz for roots and generators, parts of 1/grain for dividers. */
  private readonly settings: Float64Array;
  /** Clocks whose rate a debug file has fixed. */
  readonly rateLocked: Uint8Array;

  constructor(table: ResourceTable, memory = new ModelMemory()) {
    this.clocks = buildClockTree(table);
    const size = this.clocks.length;
    this.enabled = memory.take(Uint8Array, size);
    this.parents = memory.take(Uint16Array, size);
    this.settings = memory.take(Float64Array, size);
    this.rateLocked = memory.take(Uint8Array, size);
    if (memory.goesOn) return;
    for (const clock of this.clocks) {
      if (clock === undefined) continue;
      this.enabled[clock.id] = clock.on ? 1 : 0;
      this.parents[clock.id] = clock.parents[0] ?? 0;
      this.settings[clock.id] = clock.setting;
    }
  }

  handle(tx: Uint8Array, reply: Reply): number {
    if (tx.length < 4) return BpmpError.EINVAL;
    const word = u32(tx, 0);
    const command = word >>> 24;
    if (command === ClkCommand.GET_MAX_CLK_ID) {
      reply.u32(this.clocks.length - 1);
      return 0;
    }
    const id = word & 0xff_ffff;
    const clock = id < this.clocks.length ? this.clocks[id] : undefined;
    switch (command) {
      case ClkCommand.GET_RATE:
        if (clock === undefined) return BpmpError.EINVAL;
        reply.u64(this.rate(id));
        return 0;
      case ClkCommand.SET_RATE:
        if (clock === undefined || tx.length < 16) return BpmpError.EINVAL;
        return this.setRateRequest(clock, i64(tx, 8), reply);
      case ClkCommand.ROUND_RATE:
        if (clock === undefined || tx.length < 16) return BpmpError.EINVAL;
        reply.u64(this.round(clock, i64(tx, 8)));
        return 0;
      case ClkCommand.GET_PARENT:
        if (clock === undefined) return BpmpError.EINVAL;
        reply.u32(this.parents[id]!);
        return 0;
      case ClkCommand.SET_PARENT:
        if (clock === undefined || tx.length < 8) return BpmpError.EINVAL;
        return this.setParent(clock, u32(tx, 4), reply);
      case ClkCommand.IS_ENABLED:
        if (clock === undefined) return BpmpError.EINVAL;
        reply.u32(this.enabled[id]!);
        return 0;
      case ClkCommand.ENABLE:
        return clock === undefined ? BpmpError.EINVAL : this.setEnabled(clock, 1);
      case ClkCommand.DISABLE:
        return clock === undefined ? BpmpError.EINVAL : this.setEnabled(clock, 0);
      case ClkCommand.GET_ALL_INFO:
        return clock === undefined ? BpmpError.EINVAL : this.allInfo(clock, reply);
      case ClkCommand.GET_FMAX_AT_VMIN: {
        const source = clock && this.generatorOf(clock);
        if (!source?.fmaxAtVmin) return BpmpError.EINVAL;
        reply.u64(source.fmaxAtVmin);
        return 0;
      }
      default:
        return BpmpError.EBADCMD;
    }
  }

  /** The rate that a clock has now, in Hz. */
  rate(id: number): number {
    const clock = this.clocks[id]!;
    switch (clock.kind) {
      case ClockKind.DIVIDER:
        return Math.floor((this.rate(this.parents[id]!) * clock.grain) / this.settings[id]!);
      case ClockKind.RATIO:
        return Math.floor((this.rate(this.parents[id]!) * clock.numerator) / clock.denominator);
      case ClockKind.GATE:
        return this.rate(this.parents[id]!);
      default:
        return this.settings[id]!;
    }
  }

  /** The rate that setting `hz` would give. */
  round(clock: Clock, hz: number): number {
    if (!clock.settable || clock.rateDenied) return this.rate(clock.id);
    switch (clock.kind) {
      case ClockKind.GENERATOR:
        return roundGenerator(clock, hz);
      case ClockKind.DIVIDER:
        return Math.floor((this.rate(this.parents[clock.id]!) * clock.grain) / this.divisorFor(clock, hz));
      default:
        return this.round(this.clocks[this.parents[clock.id]!]!, hz);
    }
  }

  /** Sets the nearest rate that can be made; does nothing where the clock's own or its parent's rate is fixed. */
  setRate(clock: Clock, hz: number): void {
    if (!clock.settable || clock.rateDenied) return;
    if (clock.kind === ClockKind.GENERATOR) this.settings[clock.id] = roundGenerator(clock, hz);
    else if (clock.kind === ClockKind.DIVIDER) this.settings[clock.id] = this.divisorFor(clock, hz);
    else this.setRate(this.clocks[this.parents[clock.id]!]!, hz);
  }

  setEnabled(clock: Clock, on: 0 | 1): number {
    if (clock.stateDenied) return BpmpError.EACCES;
    this.enabled[clock.id] = on;
    return 0;
  }

  setParent(clock: Clock, parent: number, reply?: Reply): number {
    if (clock.rateDenied) return BpmpError.EACCES;
    if (!clock.parents.includes(parent)) return BpmpError.EINVAL;
    this.parents[clock.id] = parent;
    reply?.u32(parent);
    return 0;
  }

  private setRateRequest(clock: Clock, hz: number, reply: Reply): number {
    if (clock.rateDenied) return BpmpError.EACCES;
    if (!clock.settable || hz < 0) return BpmpError.EINVAL;
    if (this.rateLocked[clock.id] === 0) this.setRate(clock, hz);
    reply.u64(this.rate(clock.id));
    return 0;
  }

  private allInfo(clock: Clock, reply: Reply): number {
    reply.copy(clock.info, 0, 4);
    reply.u32(this.parents[clock.id]!);
    reply.copy(clock.info, 8, clock.info.length - 8);
    return 0;
  }

  /** The least divisor, in parts of 1/grain, that does not go above `hz`. */
  private divisorFor(clock: Clock, hz: number): number {
    const parts = this.rate(this.parents[clock.id]!) * clock.grain;
    if (hz < 1) return clock.max;
    let divisor = Math.ceil(parts / hz);
    // Rates are whole: the divisor that made this very rate may be one less.
    if (divisor > 1 && Math.floor(parts / (divisor - 1)) <= hz) divisor -= 1;
    return Math.min(Math.max(divisor, clock.min), clock.max);
  }

  private generatorOf(clock: Clock): Clock | undefined {
    if (clock.kind === ClockKind.GENERATOR) return clock;
    return clock.kind === ClockKind.GATE
      ? this.generatorOf(this.clocks[this.parents[clock.id]!]!)
      : undefined;
  }
}

function roundGenerator(clock: Clock, hz: number): number {
  if (clock.rates) {
    let best = clock.rates[0]!;
    for (const rate of clock.rates) if (rate <= hz) best = rate;
    return best;
  }
  if (hz <= clock.min) return clock.min;
  return hz >= clock.max ? clock.max : Math.floor(hz / clock.step) * clock.step;
}
