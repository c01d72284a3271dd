import type { TransferRecord } from '../../bpmp/capture/index.js';
import {
  ClkCommand,
  classify,
  Mrq,
  newShape,
  PgCommand,
  ResetCommand,
  ShapeStatus,
} from '../../bpmp/wire/index.js';
import { emptyHolds, type Holds } from '../data/columns.js';

/** More than this are joined where they lie close together. */
const MAX_HOLDS = 60_000;

interface Hold {
  readonly mrq: number;
  readonly id: number;
  readonly vm: string;
  readonly fromNs: bigint;
  toNs: bigint;
  open: boolean;
}

/** When a resource was on for a VM, from what the firmware carried out: enable to disable, deassert to assert, on to off. */
export class HeldTimes {
  readonly #shape = newShape();
  readonly #open = new Map<string, Hold>();
  readonly #next = new Map<string, number>();
  #closed: Hold[] = [];
  /** Stretches closer together than this are one, once there are too many. */
  #joinNs = 0n;

  add(record: TransferRecord): void {
    const { vm, timeNs, sequence } = record;
    // A VM that was started again holds nothing of what it held.
    if (sequence < (this.#next.get(vm) ?? 0))
      for (const [key, hold] of this.#open) if (hold.vm === vm) this.#close(key, hold, hold.toNs);
    this.#next.set(vm, sequence);
    if (record.verdict !== 'allow' || record.ret !== 0) return;
    const shape = classify(record.mrq, record.tx, this.#shape);
    const { mrq, id } = shape;
    if (shape.status !== ShapeStatus.OK || id < 0) return;
    const on = isOn(mrq, shape.command, record.tx);
    if (on === undefined) return;
    const key = `${mrq} ${id} ${vm}`;
    const held = this.#open.get(key);
    if (!on) {
      if (held) this.#close(key, held, timeNs);
    } else if (!held && this.#open.size < MAX_HOLDS)
      this.#open.set(key, { mrq, id, vm, fromNs: timeNs, toNs: timeNs, open: true });
  }

  /** In the order of their beginnings; VMs by their place in `vms`, others are left out. */
  finish(beginNs: bigint, endNs: bigint, vms: readonly string[]): Holds {
    const open = [...this.#open.values()].map((hold) => ({ ...hold, toNs: endNs, open: true }));
    const all = [...this.#closed, ...open]
      .filter(({ vm }) => vms.includes(vm))
      .sort((a, b) => Number(a.fromNs - b.fromNs));
    const columns = emptyHolds(all.length);
    for (const [row, { mrq, id, vm, fromNs, toNs, open: still }] of all.entries()) {
      columns.mrq[row] = mrq;
      columns.id[row] = id;
      columns.vm[row] = vms.indexOf(vm);
      columns.from[row] = Number(fromNs - beginNs);
      columns.to[row] = Number(toNs - beginNs);
      columns.open[row] = still ? 1 : 0;
    }
    return { length: all.length, ...columns };
  }

  #close(key: string, hold: Hold, toNs: bigint): void {
    this.#open.delete(key);
    this.#closed.push({ ...hold, toNs, open: false });
    while (this.#closed.length >= MAX_HOLDS) this.#join();
  }

  #join(): void {
    let { fromNs: begin, toNs: end } = this.#closed[0]!;
    for (const { fromNs, toNs } of this.#closed) {
      if (fromNs < begin) begin = fromNs;
      if (toNs > end) end = toNs;
    }
    this.#joinNs = this.#joinNs === 0n ? (end - begin) / 8192n + 1n : this.#joinNs * 2n;
    const last = new Map<string, Hold>();
    const joined: Hold[] = [];
    for (const hold of this.#closed.sort((a, b) => Number(a.fromNs - b.fromNs))) {
      const key = `${hold.mrq} ${hold.id} ${hold.vm}`;
      const before = last.get(key);
      if (before && hold.fromNs - before.toNs < this.#joinNs) {
        if (hold.toNs > before.toNs) before.toNs = hold.toNs;
        continue;
      }
      const own = { ...hold };
      last.set(key, own);
      joined.push(own);
    }
    this.#closed = joined;
  }
}

/** Whether a request switches its resource on or off; undefined where it does neither. */
function isOn(mrq: number, command: number, tx: Uint8Array): boolean | undefined {
  if (mrq === Mrq.CLK) {
    if (command === ClkCommand.ENABLE) return true;
    return command === ClkCommand.DISABLE ? false : undefined;
  }
  if (mrq === Mrq.RESET) {
    if (command === ResetCommand.ASSERT) return false;
    return command === ResetCommand.DEASSERT || command === ResetCommand.MODULE ? true : undefined;
  }
  if (mrq === Mrq.PG && command === PgCommand.SET_STATE)
    return new DataView(tx.buffer, tx.byteOffset).getUint32(8, true) !== 0;
  return undefined;
}
