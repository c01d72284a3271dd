import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Outcome } from '../../../../../src/bpmp/backend/backend.js';
import type { RequestHandler } from '../../../../../src/bpmp/bridge/bridge.js';
import { Hsp } from '../../../../../src/bpmp/bridge/vfio-user/ivc/abi.js';
import { IvcLink } from '../../../../../src/bpmp/bridge/vfio-user/ivc/link.js';
import { IvcMemory } from '../../../../../src/bpmp/bridge/vfio-user/ivc/memory.js';
import { mrqs } from '../../../../../src/bpmp/wire/index.js';

/** A million with GPUVM_TEST_RANDOM=1000000. */
const ROUNDS = Number(process.env.GPUVM_TEST_RANDOM ?? 30_000);
const MEMORY_LIMIT = 64 * 2 ** 20;
const REQUESTS = [0, 1, 2, 3];
const SERVED = [...REQUESTS, 13];

/** A link without sockets, and its memory as the guest sees it. */
class Bench {
  readonly memory: IvcMemory;
  readonly bytes: Buffer;
  readonly link: IvcLink;
  readonly random: () => number;
  readonly seed = randomBytes(4).readUInt32LE(0);
  readonly #word = new Uint8Array(4);

  readonly #layout: 'shared' | 'trapped';

  constructor(layout: 'shared' | 'trapped', handle: RequestHandler['handle']) {
    this.#layout = layout;
    this.memory = new IvcMemory(layout);
    this.bytes = Buffer.from(this.memory.bytes.buffer, this.memory.bytes.byteOffset, 0x2000);
    const malformed = () => {
      throw new Error('there is no malformed frame');
    };
    this.link = new IvcLink({ handler: { handle, malformed }, memory: this.memory, deadlineMs: 30_000 });
    onTestFinished(() => this.link.end());
    let state = this.seed;
    this.random = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }
  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }
  u32(offset: number): number {
    return this.bytes.readUInt32LE(offset);
  }
  set(offset: number, value: number): void {
    this.bytes.writeUInt32LE(value >>> 0, offset);
    // Trapped, the device sees the write.
    if (this.#layout === 'trapped') this.link.devices.sram.write(0, offset, this.#wordAt(offset));
  }
  #wordAt(offset: number): Uint8Array {
    return Uint8Array.prototype.slice.call(this.bytes, offset, offset + 4);
  }
  ring(): void {
    this.#word[0] = 1;
    void this.link.devices.hsp.write(0, Hsp.BPMP_TRIGGER, this.#word);
  }

  /** What nobody but the guest may write, as one copy with everything of ours blanked. */
  guestOwned(): Buffer {
    return this.blankOurs(Buffer.from(this.bytes));
  }

  blankOurs(copy: Buffer): Buffer {
    for (const channel of SERVED) {
      copy.fill(0, 0x1000 + 256 * channel, 0x1000 + 256 * channel + 8);
      copy.fill(0, 0x1000 + 256 * channel + 128, 0x1000 + 256 * channel + 256);
      copy.fill(0, 256 * channel + 64, 256 * channel + 68);
    }
    return copy;
  }

  /** Whether this channel holds a new frame, both ends being established. */
  holdsFrame(channel: number): boolean {
    const [tx, rx] = [256 * channel, 0x1000 + 256 * channel];
    const isNew = (this.u32(tx) - this.u32(tx + 64)) >>> 0 === 1;
    return isNew && this.u32(tx + 4) === 0 && this.u32(rx + 4) === 0;
  }
}

const registers = [...Object.values(Hsp), 0x90100, 0x90308, 0x9030c, 0, 0xffffc];
const EDGES = [0, 1, 2, 3, 0x80, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff];

it(`outlives ${ROUNDS} random accesses to the HSP, of any size at any offset`, () => {
  let calls = 0;
  const bench = new Bench('trapped', () => {
    calls++;
    return { ret: 0, rxSize: 0 };
  });
  const { hsp } = bench.link.devices;
  const buffer = new Uint8Array(0x10000);
  // What the registers must be, told from the accesses alone; nothing rings the guest here.
  let enabled = 0;
  const value = new Map<number, () => number>([
    [Hsp.DIMENSIONING, () => 0x87228],
    [Hsp.CCPLEX_ENABLE, () => enabled],
    [Hsp.BPMP_ENABLE, () => 1 << 17],
    [Hsp.CHIP_ID, () => 0x12317],
  ]);
  const byteAt = (at: number) => ((value.get(at & ~3)?.() ?? 0) >>> (8 * (at & 3))) & 0xff;
  let memory = 0;
  for (let i = 0; i < ROUNDS; i++) {
    if (i === ROUNDS >> 2) memory = process.memoryUsage().rss;
    const size = bench.random() < 0.9 ? bench.pick([1, 2, 3, 4, 8, 8, 16]) : 1 + bench.below(0x400);
    const near = bench.random() < 0.7 ? bench.pick(registers) + bench.below(24) - 12 : bench.below(0x100000);
    const offset = Math.min(Math.max(near, 0), 0x100000 - size);
    const part = buffer.subarray(0, size);
    if (bench.random() < 0.5) {
      part.fill(0);
      hsp.read(0, offset, part);
      for (let j = 0; j < size; j++) {
        if (part[j] !== byteAt(offset + j))
          throw new Error(`0x${(offset + j).toString(16)} reads ${part[j]}, seed ${bench.seed}`);
      }
    } else {
      for (let j = 0; j < size; j++) part[j] = bench.below(256);
      expect(hsp.write(0, offset, part)).toBeUndefined();
      const at = Hsp.CCPLEX_ENABLE - offset;
      if (at >= 0 && at + 4 <= size) enabled = Buffer.from(part).readUInt32LE(at);
    }
  }
  expect(calls).toBe(0);
  expect(bench.link.counters.channelResets).toBe(0);
  expect(bench.bytes.every((byte) => byte === 0)).toBe(true);
  expect(process.memoryUsage().rss - memory).toBeLessThan(MEMORY_LIMIT);
});

describe.each(['trapped', 'shared'] as const)('layout %s', (layout) => {
  it(`calls nobody without a new frame, and touches nothing of the guest's, in ${ROUNDS} rounds of random memory`, () => {
    const unfounded: string[] = [];
    let calls = 0;
    const bench: Bench = new Bench(layout, (mrq, tx, rx) => {
      calls++;
      const founded = REQUESTS.some((channel) => {
        const frame = 256 * channel + 128;
        return (
          bench.holdsFrame(channel) &&
          bench.u32(frame) === mrq &&
          bench.bytes.subarray(frame + 8, frame + 8 + tx.length).equals(tx)
        );
      });
      if (!founded || tx.length > 120 || rx.length !== 120)
        unfounded.push(`${mrq} ${tx.length} ${rx.length}`);
      rx.fill(0xaa);
      return { ret: bench.below(3) - 1, rxSize: bench.pick([-1, 0, 4, 120, 121, 1000]) };
    });
    let memory = 0;
    for (let i = 0; i < ROUNDS; i++) {
      if (i === ROUNDS >> 2) memory = process.memoryUsage().rss;
      scribble(bench);
      const before = bench.guestOwned();
      bench.ring();
      if (!bench.guestOwned().equals(before))
        throw new Error(`wrote what is the guest's, seed ${bench.seed}`);
    }
    expect(unfounded).toEqual([]);
    expect(calls).toBeGreaterThan(ROUNDS / 100);
    expect(calls).toBe(bench.link.counters.transfers);
    expect(bench.link.counters.channelResets).toBeGreaterThan(ROUNDS / 1000);
    expect(process.memoryUsage().rss - memory).toBeLessThan(MEMORY_LIMIT);
  }, 300_000);

  it(`answers no channel for another in ${ROUNDS} rounds of corrupted counters and slow outcomes`, async () => {
    const pending: (() => void)[] = [];
    /** By the number that an answer carries: the channel that asked. */
    const asked: number[] = [];
    let most = 0;
    const bench: Bench = new Bench(layout, (mrq, tx, rx) => {
      const number = asked.push(mrq >>> 28) - 1;
      if (tx[119] !== mrq >>> 28) throw new Error(`the frame is of several channels, seed ${bench.seed}`);
      const answer = (): Outcome => {
        new DataView(rx.buffer, rx.byteOffset).setUint32(0, number, true);
        return { ret: number, rxSize: 4 };
      };
      if (bench.random() < 0.3) return answer();
      most = Math.max(most, pending.length + 1);
      return new Promise((resolve) => pending.push(() => resolve(answer())));
    });
    const sent = new Map(REQUESTS.map((channel) => [channel, 0]));
    const answered = new Set<number>();
    const check = () => {
      for (const channel of REQUESTS) {
        const rx = 0x1000 + 256 * channel;
        const now = bench.u32(rx);
        if (now === sent.get(channel)) continue;
        sent.set(channel, now);
        if (now === 0) continue;
        const number = bench.u32(rx + 136);
        // Refused for what it has left behind.
        if (bench.bytes.readInt32LE(rx + 128) === -16) continue;
        if (asked[number] !== channel || answered.has(number))
          throw new Error(`${number} of ${asked[number]} was answered to ${channel}, seed ${bench.seed}`);
        answered.add(number);
      }
    };
    let memory = 0;
    for (let i = 0; i < ROUNDS; i++) {
      if (i === ROUNDS >> 2) memory = process.memoryUsage().rss;
      const channel = bench.pick(REQUESTS);
      misbehave(bench, channel);
      bench.ring();
      check();
      if (bench.random() < 0.2) {
        pending.splice(bench.below(pending.length), 1)[0]?.();
        await null;
        await null;
        check();
      }
      if (i % 500 === 0) await turn();
    }
    for (const finish of pending.splice(0)) finish();
    await turn();
    check();
    expect(answered.size).toBeGreaterThan(ROUNDS / 100);
    // Four channels, and what they may leave behind.
    expect(most).toBeLessThanOrEqual(4 + 16);
    expect(bench.link.counters).toMatchObject({ abandonedNow: 0 });
    expect(bench.link.counters.channelResets).toBeGreaterThan(ROUNDS / 1000);
    expect(process.memoryUsage().rss - memory).toBeLessThan(MEMORY_LIMIT);
  }, 300_000);

  it(`hands on ${ROUNDS} frames of every MRQ once each, cut to the request`, () => {
    const seen: { mrq: number; length: number }[] = [];
    const bench = new Bench(layout, (mrq, tx) => {
      seen.push({ mrq, length: tx.length });
      return { ret: 0, rxSize: 0 };
    });
    const known = [...mrqs.keys()];
    for (let i = 0; i < ROUNDS; i++) {
      const channel = bench.pick(REQUESTS);
      const tx = 256 * channel;
      const mrq = bench.pick([bench.pick(known), bench.below(128), bench.pick(EDGES), bench.below(2 ** 32)]);
      for (let at = 136; at < 256; at += 4)
        bench.set(tx + at, bench.random() < 0.5 ? bench.below(256) : EDGES[i % 10]!);
      bench.set(tx + 136, (bench.below(20) << bench.pick([0, 16, 24])) | bench.below(4));
      bench.set(tx + 128, mrq);
      bench.set(tx + 132, bench.pick([0, 1, 3, 3, 0xffffffff]));
      bench.set(tx, bench.u32(tx) + 1);
      bench.ring();
      bench.ring();
      const [last] = seen;
      if (seen.splice(0).length !== 1) throw new Error(`handed on ${seen.length} times, seed ${bench.seed}`);
      const command = mrqs.get(mrq);
      if (last?.mrq !== mrq) throw new Error(`MRQ ${mrq} was not handed on, seed ${bench.seed}`);
      const most =
        command === undefined ? 120 : Math.max(...command.commands.map((c) => c.request.size), 120);
      if (last.length > Math.min(most, 120) || (command === undefined && last.length !== 120))
        throw new Error(`MRQ ${mrq} has ${last.length} bytes, seed ${bench.seed}`);
      bench.set(0x1000 + tx + 64, bench.u32(0x1000 + tx));
    }
    expect(bench.link.counters).toMatchObject({ transfers: ROUNDS, channelResets: 0 });
  }, 300_000);
});

it(`outlives ${ROUNDS} random accesses to the trapped SRAM, and keeps what is the guest's`, () => {
  const bench = new Bench('trapped', () => ({ ret: 0, rxSize: 0 }));
  const { sram } = bench.link.devices;
  const buffer = new Uint8Array(0x2000);
  for (let i = 0; i < ROUNDS; i++) {
    const size = bench.random() < 0.95 ? bench.pick([1, 2, 3, 4, 8, 16, 64, 300]) : 1 + bench.below(0x2000);
    const near = bench.pick(SERVED) * 256 + bench.pick([0, 4, 64, 128, 0x1000, 0x1040]) + bench.below(16) - 8;
    const offset = Math.min(Math.max(bench.random() < 0.8 ? near : bench.below(0x2000), 0), 0x2000 - size);
    const part = buffer.subarray(0, size);
    const before = bench.guestOwned();
    if (bench.random() < 0.5) {
      sram.read(0, offset, part);
      if (!bench.bytes.subarray(offset, offset + size).equals(part)) throw new Error(`seed ${bench.seed}`);
    } else {
      part.fill(bench.pick([0, 0, 1, 2, 3, 0xff]));
      expect(sram.write(0, offset, part)).toBeUndefined();
      before.set(part, offset);
      expect(bench.blankOurs(before).equals(bench.guestOwned())).toBe(true);
    }
  }
  expect(bench.link.counters.channelResets).toBeGreaterThan(0);
  expect(bench.link.counters.handshakes).toBeGreaterThan(0);
});

it('a guest that rings without end is served only what its channels hold', () => {
  const bench = new Bench('shared', () => ({ ret: 0, rxSize: 0 }));
  for (let i = 0; i < ROUNDS; i++) bench.ring();
  bench.set(0, 1);
  for (let i = 0; i < ROUNDS; i++) bench.ring();
  expect(bench.link.counters).toMatchObject({ transfers: 1, doorbells: 2 * ROUNDS, channelResets: 0 });
});

/** Anything anywhere, with enough sense that handshakes and frames come about. */
function scribble(bench: Bench): void {
  for (let count = bench.below(6); count >= 0; count--) {
    const channel = bench.random() < 0.9 ? bench.pick(SERVED) : bench.below(16);
    const tx = 256 * channel;
    const kind = bench.random();
    if (kind < 0.4) bench.set(tx + 4, bench.pick([0, 0, 0, 1, 1, 2, 3, 0xffffffff]));
    else if (kind < 0.7) bench.set(tx, bench.u32(tx) + bench.pick([0, 1, 1, 1, 1, 2, -1, 2 ** 31]));
    else if (kind < 0.8) bench.set(0x1000 + tx + 64, bench.u32(0x1000 + tx));
    else if (kind < 0.85) bench.set(bench.below(0x800) * 4, bench.pick(EDGES));
    else if (kind < 0.95) bench.set(tx + bench.pick([0, 64, 0x1040]), 0);
    else bench.bytes.set(randomBytes(64), bench.below(0x2000 - 64));
  }
}

/** Mostly right, on one channel, with a stamp of it in each frame. */
function misbehave(bench: Bench, channel: number): void {
  const [tx, rx] = [256 * channel, 0x1000 + 256 * channel];
  const kind = bench.random();
  if (kind < 0.02) bench.set(tx, bench.u32(tx) + bench.pick([2, -1, 2 ** 31, 2 ** 31 + 1]));
  else if (kind < 0.04) bench.set(rx + 64, bench.u32(rx + 64) + bench.pick([1, 2, -1, 2 ** 31]));
  else if (kind < 0.06) bench.set(tx + 4, bench.pick([1, 2, 3, EDGES[bench.below(10)]!]));
  else if (bench.u32(rx + 4) === 1) bench.set(tx + 4, 1);
  else if (bench.u32(tx + 4) !== 0 && bench.u32(rx + 4) === 2) {
    bench.set(tx, 0);
    bench.set(rx + 64, 0);
    bench.set(tx + 4, 0);
  } else if (bench.u32(rx) !== bench.u32(rx + 64)) bench.set(rx + 64, bench.u32(rx));
  else if (bench.u32(tx) === bench.u32(tx + 64)) {
    bench.set(tx + 128, ((channel << 28) | 0x7000000 | bench.below(1000)) >>> 0);
    bench.set(tx + 132, 3);
    bench.bytes[tx + 255] = channel;
    bench.set(tx, bench.u32(tx) + 1);
  }
}
