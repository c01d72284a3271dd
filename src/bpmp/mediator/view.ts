import type { Outcome } from '../backend/index.js';
import type { CompiledPolicy } from '../policy/index.js';
import { BpmpError, ClkCommand, Mrq, PgCommand, ResetCommand } from '../wire/index.js';
import { readUint32 } from './aspects.js';

/** Offsets in `struct cmd_clk_get_all_info_response` (bpmp-abi.h): flags, parent, parents[16], num_parents, name[40]. */
const PARENTS_AT = 8;
const MAX_PARENTS = 16;
const NUM_PARENTS_AT = 72;

/**
 * The filtered view: what a guest without a right to a resource is told so that it never asks for it. Linux walks the
 * ids up to the largest one, takes an error for a hole, asks QUERY_ABI before it uses a message family, and needs every
 * parent that a clock lists to be visible.
 */
export class FilteredView {
  readonly #policy: CompiledPolicy;

  constructor(policy: CompiledPolicy) {
    this.#policy = policy;
  }

  /** Answers in the firmware's place where the view alone decides; undefined where the firmware is to be asked. */
  answer(mrq: number, tx: Uint8Array, rx: Uint8Array): Outcome | undefined {
    if (mrq !== Mrq.QUERY_ABI || this.#policy.isMrqVisible(readUint32(tx, 0))) return undefined;
    return { ret: 0, rxSize: writeUint32(rx, BpmpError.ENODEV) };
  }

  /** Takes what is not the guest's out of a reply that the firmware gave. */
  filter(mrq: number, command: number, id: number, outcome: Outcome, rx: Uint8Array): Outcome {
    if (outcome.ret < 0) return outcome;
    if (mrq === Mrq.CLK && command === ClkCommand.GET_ALL_INFO) this.#filterParents(id, outcome, rx);
    else if (mrq === Mrq.CLK && command === ClkCommand.GET_MAX_CLK_ID)
      lower(outcome, rx, this.#policy.maxVisibleClock);
    else if (mrq === Mrq.PG && command === PgCommand.GET_MAX_ID) {
      lower(outcome, rx, this.#policy.maxVisiblePowerDomain);
    } else if (mrq === Mrq.RESET && command === ResetCommand.GET_MAX_ID) {
      lower(outcome, rx, this.#policy.maxVisibleReset);
    }
    return outcome;
  }

  #filterParents(clock: number, outcome: Outcome, rx: Uint8Array): void {
    if (outcome.rxSize <= NUM_PARENTS_AT) return;
    // What hangs above a clock that is only seen is not: some of its parents without the one it has would be a lie.
    const isGranted = this.#policy.isClockGranted(clock);
    const listed = isGranted ? Math.min(rx[NUM_PARENTS_AT], MAX_PARENTS) : 0;
    const view = new DataView(rx.buffer, rx.byteOffset, rx.byteLength);
    let kept = 0;
    for (let i = 0; i < listed; i++) {
      const parent = view.getUint32(PARENTS_AT + 4 * i, true);
      if (this.#policy.isClockVisible(parent)) view.setUint32(PARENTS_AT + 4 * kept++, parent, true);
    }
    rx.fill(0, PARENTS_AT + 4 * kept, PARENTS_AT + 4 * MAX_PARENTS);
    rx[NUM_PARENTS_AT] = kept;
  }
}

function lower(outcome: Outcome, rx: Uint8Array, limit: number): void {
  if (outcome.rxSize >= 4) writeUint32(rx, Math.min(readUint32(rx, 0), Math.max(0, limit)));
}

/** Writes as much of a u32 or s32 as the guest left room for; returns how much that was. */
function writeUint32(rx: Uint8Array, value: number): number {
  const size = Math.min(4, rx.length);
  for (let i = 0; i < size; i++) rx[i] = value >>> (8 * i);
  return size;
}
