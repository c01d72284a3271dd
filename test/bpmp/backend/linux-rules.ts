/**
 * What Linux's drivers (clk-bpmp, reset-bpmp, powergate-bpmp, thermal, bpmp-debugfs, bpmp itself) take from a BPMP
 * without breaking, as a checker: give it every request with its answer, and it says what is wrong.
 */
import type { Outcome } from '../../../src/bpmp/backend/index.js';
import { ClkCommand, DebugCommand, Mrq, PgCommand, ThermalCommand } from '../../../src/bpmp/wire/index.js';

interface SeenClock {
  readonly name: string;
  readonly flags: number;
  readonly parents: readonly number[];
}

const HAS_MUX = 1;
const HAS_SET_RATE = 2;
const RATE_DENIED = 0x4000_0000;
const STATE_DENIED = 0x8000_0000;
const ENODEV = -19;
const EFAULT = -14;

export class LinuxRules {
  readonly complaints: string[] = [];
  /** Clocks that GET_ALL_INFO has shown; null for a hole. */
  readonly clocks = new Map<number, SeenClock | null>();
  readonly domains = new Map<number, string | null>();
  private zones = 0;
  private maxClock = Number.MAX_SAFE_INTEGER;
  /** Bytes that are still to come for each open descriptor. */
  private readonly open = new Map<number, number>();

  see(mrq: number, tx: Uint8Array, { ret, rxSize }: Outcome, rx: Uint8Array): void {
    const request = new DataView(tx.buffer, tx.byteOffset, tx.byteLength);
    const reply = new DataView(rx.buffer, rx.byteOffset, rx.byteLength);
    const word = (at: number) => (at + 4 <= tx.length ? request.getUint32(at, true) : 0);
    const what = `mrq ${mrq} ${Buffer.from(tx.subarray(0, 16)).toString('hex')} -> ${ret}`;
    const must = (holds: boolean, rule: string) => {
      if (!holds) this.complaints.push(`${rule}: ${what}`);
    };
    /** On success the driver reads a whole structure; less leaves stale bytes of its stack in it. */
    const whole = (size: number) =>
      must(ret !== 0 || rxSize >= Math.min(size, rx.length), `the reply is not whole (${rxSize} of ${size})`);
    must(Number.isInteger(ret) && ret <= 0 && ret >= -4095, 'a return code is 0 or a negative errno');
    must(ret === 0 || rxSize === 0 || mrq === Mrq.BWMGR_INT, 'an error carries no data');
    switch (mrq) {
      case Mrq.PING:
      case Mrq.THREADED_PING:
        must(ret === 0 && reply.getUint32(0, true) === (word(0) << 1) >>> 0, 'a ping is answered, shifted');
        return;
      case Mrq.QUERY_ABI: {
        whole(4);
        const status = reply.getInt32(0, true);
        must(ret === 0 && (status === 0 || status === ENODEV), 'an ABI query succeeds');
        if (word(0) === Mrq.QUERY_FW_TAG) must(status === 0, 'the firmware tag is supported');
        if (word(0) === Mrq.QUERY_TAG || word(0) === Mrq.DEBUGFS)
          must(status !== 0, 'nothing that passes addresses is claimed');
        return;
      }
      case Mrq.QUERY_FW_TAG:
        must(ret === 0, 'the firmware tag is answered');
        whole(32);
        return;
      case Mrq.CLK:
        this.seeClock(word, ret, reply, must, whole, rx);
        return;
      case Mrq.PG:
        this.seeDomain(word, ret, rx, must, whole);
        return;
      case Mrq.THERMAL:
        this.seeThermal(word, ret, reply, must, whole);
        return;
      case Mrq.DEBUG:
        this.seeDebug(word, ret, reply, must);
        return;
      case Mrq.RESET:
        must(ret === 0, 'a reset line of the chip can be moved');
    }
  }

  /** What only shows when all clocks are known. */
  finish(): string[] {
    const names = new Map<string, number>();
    for (const [id, clock] of this.clocks) {
      if (clock === null) continue;
      if (names.has(clock.name))
        this.complaints.push(`clocks ${names.get(clock.name)} and ${id} share the name ${clock.name}`);
      names.set(clock.name, id);
      for (const parent of clock.parents) {
        if (!this.clocks.get(parent)) this.complaints.push(`clock ${id} has the invisible parent ${parent}`);
        if ((this.clocks.get(parent)?.flags ?? 0) & STATE_DENIED)
          this.complaints.push(`parent ${parent} of ${id} cannot be enabled`);
      }
      if (this.reaches(id, id, new Set())) this.complaints.push(`clock ${id} is its own ancestor`);
    }
    return this.complaints;
  }

  private seeClock(
    word: (at: number) => number,
    ret: number,
    reply: DataView,
    must: (holds: boolean, rule: string) => void,
    whole: (size: number) => void,
    rx: Uint8Array,
  ): void {
    const command = word(0) >>> 24;
    const id = word(0) & 0xff_ffff;
    if (command === ClkCommand.GET_MAX_CLK_ID) {
      must(ret === 0 && reply.getUint32(0, true) <= 0x7fff_ffff, 'the number of clocks is answered');
      this.maxClock = reply.getUint32(0, true);
      return;
    }
    if (command === ClkCommand.GET_ALL_INFO) {
      whole(113);
      must(id <= this.maxClock || ret < 0, 'no clock beyond the maximum');
      this.clocks.set(id, ret === 0 ? parseInfo(reply, rx, must) : null);
      return;
    }
    const clock = this.clocks.get(id);
    // Of a hole Linux never asks more; an answer to it breaks nothing.
    if (!clock) return;
    const denied = (clock.flags & RATE_DENIED) !== 0;
    switch (command) {
      case ClkCommand.GET_RATE:
        whole(8);
        must(ret === 0 && reply.getBigInt64(0, true) >= 0n, 'a visible clock has a rate');
        return;
      case ClkCommand.ROUND_RATE:
        whole(8);
        must(ret === 0 && reply.getBigInt64(0, true) >= 0n, 'every rate can be rounded');
        return;
      case ClkCommand.SET_RATE:
        whole(8);
        if (clock.flags & HAS_SET_RATE && !denied) must(ret === 0, 'a settable clock is set');
        return;
      case ClkCommand.GET_PARENT: {
        whole(4);
        const parent = reply.getUint32(0, true);
        must(
          ret === 0 && (clock.parents.length === 0 || clock.parents.includes(parent)),
          'the parent is a listed one',
        );
        return;
      }
      case ClkCommand.SET_PARENT:
        if (clock.flags & HAS_MUX && !denied && clock.parents.includes(word(4)))
          must(ret === 0, 'a listed parent can be chosen');
        return;
      case ClkCommand.IS_ENABLED:
        whole(4);
        must(ret === 0 && reply.getUint32(0, true) <= 1, 'whether a clock is on is always known');
        return;
      case ClkCommand.ENABLE:
        if ((clock.flags & STATE_DENIED) === 0) must(ret === 0, 'a visible clock can be enabled');
    }
  }

  private seeDomain(
    word: (at: number) => number,
    ret: number,
    rx: Uint8Array,
    must: (holds: boolean, rule: string) => void,
    whole: (size: number) => void,
  ): void {
    const command = word(0);
    const id = word(4);
    if (command === PgCommand.GET_MAX_ID) {
      whole(4);
      must(ret === 0, 'the number of power domains is answered');
    } else if (command === PgCommand.GET_NAME) {
      whole(40);
      const end = rx.indexOf(0);
      must(ret !== 0 || (end >= 0 && end < 40), "a domain's name ends");
      const name = ret === 0 ? Buffer.from(rx.subarray(0, end)).toString() : '';
      this.domains.set(id, name === '' ? null : name);
    } else if (this.domains.get(id)) {
      if (command === PgCommand.GET_STATE) whole(4);
      must(ret === 0, 'a named domain can be read and switched');
    }
  }

  private seeThermal(
    word: (at: number) => number,
    ret: number,
    reply: DataView,
    must: (holds: boolean, rule: string) => void,
    whole: (size: number) => void,
  ): void {
    const command = word(0);
    if (command === ThermalCommand.GET_NUM_ZONES) {
      whole(4);
      must(ret === 0, 'the number of zones is answered');
      this.zones = reply.getUint32(0, true);
      return;
    }
    if (command === ThermalCommand.QUERY_ABI) {
      must(ret === 0 || ret === ENODEV, 'an ABI query says yes or no');
      return;
    }
    // Linux asks for no zone beyond the number that it was given.
    if (word(4) >= this.zones) return;
    if (command === ThermalCommand.GET_TEMP) whole(4);
    must(ret === 0 || ret === ENODEV || ret === EFAULT, 'a zone is read, or is known to be off');
  }

  private seeDebug(
    word: (at: number) => number,
    ret: number,
    reply: DataView,
    must: (holds: boolean, rule: string) => void,
  ): void {
    const command = word(0);
    if (command === DebugCommand.OPEN_RO || command === DebugCommand.OPEN_WO) {
      if (ret === 0)
        this.open.set(
          reply.getUint32(0, true),
          command === DebugCommand.OPEN_RO ? reply.getUint32(4, true) : 0,
        );
    } else if (command === DebugCommand.READ) {
      const left = this.open.get(word(4));
      if (left === undefined) return;
      must(ret === 0, 'an open file can be read');
      const length = reply.getUint32(0, true);
      // The driver repeats for as long as something is left, with no other end.
      must(
        length <= left && (left === 0 || length > 0),
        'a read goes on, and ends with the length that was told',
      );
      this.open.set(word(4), left - length);
    } else if (command === DebugCommand.CLOSE && this.open.delete(word(4))) {
      must(ret === 0, 'an open file can be closed');
    }
  }

  private reaches(from: number, target: number, seen: Set<number>): boolean {
    for (const parent of this.clocks.get(from)?.parents ?? []) {
      if (parent === target) return true;
      if (!seen.has(parent)) {
        seen.add(parent);
        if (this.reaches(parent, target, seen)) return true;
      }
    }
    return false;
  }
}

function parseInfo(
  reply: DataView,
  rx: Uint8Array,
  must: (holds: boolean, rule: string) => void,
): SeenClock | null {
  const flags = reply.getUint32(0, true);
  const count = rx[72]!;
  const end = rx.indexOf(0, 73);
  must(end >= 73 && end < 113, "a clock's name ends");
  const name = Buffer.from(rx.subarray(73, end)).toString();
  if (name === '') return null;
  must(count <= 16, 'at most sixteen parents');
  const parents = Array.from({ length: Math.min(count, 16) }, (_, index) =>
    reply.getUint32(8 + 4 * index, true),
  );
  must(
    !(flags & STATE_DENIED) || (flags & RATE_DENIED) !== 0,
    'state denied only together with rate and parent',
  );
  must(count <= 1 || (flags & HAS_MUX) !== 0, 'several parents need a mux');
  must(((flags & 4) !== 0) === (count === 0), 'a root is what has no parents');
  must(count === 0 || parents.includes(reply.getUint32(4, true)), 'the current parent is a listed one');
  return { name, flags, parents };
}
