import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { settledMemory } from '../../../support/settled-memory.js';
import { access, frame, VfioUserClient, words } from '../../../support/vfio-user-client.js';
import { serve, WINDOW } from './served.js';

const FRAMES = Number(process.env.GPUVM_TEST_FRAMES ?? 50_000);
const BATCH = 200;
const NO_REPLY = 0x10;
const ERROR_REPLY = 0x21;

it.each(['trapped', 'shared'] as const)(
  `answers ${FRAMES} random frames in layout %s, memory flat`,
  async (layout) => {
    const { connect, handler, bridge } = await serve({ layout });
    handler.answer = (mrq, tx, rx) => {
      // Whatever the guest did, these hold.
      if (tx.length > 512 || rx.length > 512 || !Number.isInteger(mrq)) throw new Error('out of bounds');
      handler.seen.length = 0;
      const outcome = { ret: -(mrq & 0xff), rxSize: rx.length };
      return (mrq & 7) === 0 ? Promise.resolve(outcome) : outcome;
    };
    handler.malformed = () => ({ ret: -22, rxSize: 0 });
    const client = await connect();
    const seed = randomBytes(4).readUInt32LE(0);
    const random = generator(seed);
    let errors = 0;
    let memory = 0;
    for (let sent = 0; sent < FRAMES; sent += BATCH) {
      if (sent === FRAMES / 4) memory = settledMemory();
      const expected: { id: number; command: number }[] = [];
      const bytes: Buffer[] = [];
      for (let i = 0; i < BATCH; i++) {
        const command = pick(random, [2, 3, 4, 5, 7, 8, 9, 9, 9, 10, 10, 10, 10, 13, below(random, 0x10000)]);
        const flags = random() < 0.2 ? NO_REPLY : 0;
        const id = below(random, 0x10000);
        bytes.push(frame(id, command, payload(random, command), flags));
        if (flags === 0) expected.push({ id, command });
      }
      const all = Buffer.concat(bytes);
      for (let at = 0; at < all.length; ) {
        const piece = all.subarray(at, at + 1 + below(random, 30_000));
        if (client.sendRaw(piece)) at += piece.length;
        else await sleep(1);
      }
      for (const want of expected) {
        const got = await client.reply();
        if (got === undefined) throw new Error(`the server gave up, seed ${seed}`);
        if (got.id !== want.id || got.command !== want.command)
          throw new Error(`answers out of order, seed ${seed}`);
        if (got.flags === ERROR_REPLY) {
          errors++;
          if (got.errno < 1 || got.errno > 133 || got.payload.length > 0)
            throw new Error(`no errno, seed ${seed}`);
        } else if (got.flags !== 1 || got.errno !== 0) throw new Error(`no reply, seed ${seed}`);
      }
    }
    expect(errors).toBeGreaterThan(FRAMES / 10);
    expect(bridge.stats().transfers).toBeGreaterThan(FRAMES / 1000);
    expect(settledMemory() - memory).toBeLessThan(48 * 2 ** 20);
    expect((await client.read(7, 0, 2)).payload.readUInt16LE(16)).toBe(0x1af4);
  },
  60_000,
);

it('outlives any number of clients that send noise', async () => {
  const { connect, bridge, path, end } = await serve({ keepListening: true });
  let served = 0;
  const goOn = async () => {
    for (let ended = await end; ended.reason !== 'closed'; ended = await bridge.serve()) served++;
  };
  void goOn();
  for (let i = 0; i < 300; i++) {
    const client = i % 2 ? await connect() : new VfioUserClient(path);
    onTestFinished(() => client.close());
    try {
      client.sendRaw(randomBytes(1 + (i % 3000)));
    } catch {}
    client.close();
    await sleep(0);
  }
  await sleep(20);
  const client = await connect();
  expect((await client.read(7, 0, 2)).errno).toBe(0);
  expect(served).toBeGreaterThan(100);
});

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function below(random: () => number, limit: number): number {
  return Math.floor(random() * limit);
}

function pick<T>(random: () => number, values: readonly T[]): T {
  return values[below(random, values.length)] as T;
}

const EDGES = [
  0, 1, 15, 16, 20, 24, 31, 32, 64, 255, 0x2000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
];

/** The right form with odd values, or no form at all. */
function payload(random: () => number, command: number): Buffer {
  if (random() < 0.1) return Buffer.from(Array.from({ length: below(random, 80) }, () => below(random, 256)));
  const word = () => (random() < 0.5 ? pick(random, EDGES) : below(random, 10));
  const count = { 2: 8, 3: 6, 4: 4, 5: 8, 7: 4, 8: 5, 13: 0 }[command] ?? 4;
  if (command !== 9 && command !== 10) return words(...Array.from({ length: count }, word));
  const near = pick(random, [
    0,
    WINDOW,
    WINDOW + 0x400,
    WINDOW + 0x408,
    WINDOW + 0x500,
    WINDOW + 0x5f8,
    0x2000,
  ]);
  const offset = Math.max(0, near + below(random, 24) - 12);
  const size = pick(random, [1, 2, 4, 8, 8, 8, 16, below(random, 300), pick(random, EDGES)]);
  const region = random() < 0.8 ? 0 : pick(random, [1, 7, 7, 8, 9, 0xffffffff]);
  const head = access(region, random() < 0.95 ? offset : (1n << 53n) + BigInt(offset), size);
  if (command === 9) return head;
  const there = size > 0x10000 || random() < 0.02 ? below(random, 64) : size;
  return Buffer.concat([head, Buffer.alloc(there, below(random, 3))]);
}
