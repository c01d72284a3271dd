import { Mrq } from '../../wire/index.js';
import { u16, u32 } from './bytes.js';
import type { Fault } from './options.js';

/** Finds the fault that a request runs into; made only where faults are configured. */
export class Faults {
  private readonly matched: number[];

  constructor(private readonly faults: readonly Fault[]) {
    this.matched = faults.map(() => 0);
  }

  find(mrq: number, tx: Uint8Array): Fault | undefined {
    for (const [index, fault] of this.faults.entries()) {
      if (fault.mrq !== mrq) continue;
      if (fault.command !== undefined && fault.command !== commandOf(mrq, tx)) continue;
      if (fault.id !== undefined && fault.id !== idOf(mrq, tx)) continue;
      const count = ++this.matched[index]!;
      if (fault.times !== undefined && count > fault.times) continue;
      if (fault.every !== undefined && count % fault.every !== 0) continue;
      return fault;
    }
    return undefined;
  }
}

/** Whether an MRQ packs its command into the top byte of the word that holds its id. */
function isPacked(mrq: number): boolean {
  return mrq === Mrq.CLK || mrq === Mrq.FMON;
}

function commandOf(mrq: number, tx: Uint8Array): number | undefined {
  if (tx.length < 4) return undefined;
  if (isPacked(mrq)) return u32(tx, 0) >>> 24;
  return mrq === Mrq.UPHY ? u16(tx, 2) : u32(tx, 0);
}

function idOf(mrq: number, tx: Uint8Array): number | undefined {
  if (tx.length < 4) return undefined;
  if (isPacked(mrq)) return u32(tx, 0) & 0xff_ffff;
  if (mrq === Mrq.UPHY) return u16(tx, 0);
  return tx.length < 8 ? undefined : u32(tx, 4);
}
