import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  RING_SIZE,
  type RingChunk,
  RingReader,
  RingTransfer,
  TransferRing,
  transferBlock,
  transfersIn,
} from '../../../src/bpmp/capture/index.js';
import { RingClock } from '../../../src/bpmp/capture/ring-clock.js';
import { anyTransfer } from './arbitrary.js';

/** Small ones, of which the ring takes some seven thousand. */
function adder(ring: TransferRing) {
  const transfer = new RingTransfer('orin');
  Object.assign(transfer, { rule: 'clocks.GPUSYS', tx: new Uint8Array(16), rx: new Uint8Array(8) });
  return (count: number) => {
    for (let i = 0; i < count; i++) ring.add(transfer);
  };
}

function readAll(reader: RingReader): RingChunk[] {
  const chunks: RingChunk[] = [];
  for (let chunk = reader.read(); chunk !== undefined; chunk = reader.read()) chunks.push(chunk);
  return chunks;
}

const recordsOf = (chunks: readonly RingChunk[]) => chunks.flatMap(({ blocks }) => transfersIn(blocks));

describe('TransferRing', () => {
  it('writes the same bytes as the encoder for everybody else, whatever the transfer', () => {
    fc.assert(
      fc.property(anyTransfer, (record) => {
        const memory = new ArrayBuffer(RING_SIZE);
        // The clock's two words are held against a bigint on their own.
        const clock = {
          high: Number(record.timeNs >> 32n),
          low: Number(record.timeNs & 0xffff_ffffn),
          set: () => undefined,
        } as unknown as RingClock;
        new DataView(memory).setUint32(32, record.sequence % 2 ** 32, true);
        new DataView(memory).setUint32(36, Math.floor(record.sequence / 2 ** 32), true);
        const ring = new TransferRing(memory, 0, undefined, clock);
        const transfer = new RingTransfer(record.vm);
        const { vm: _vm, timeNs: _time, ...fields } = record;
        Object.assign(transfer, fields, { thread: record.thread ?? 0 });
        ring.add(transfer);
        const [chunk] = readAll(new RingReader(memory));
        expect(chunk?.blocks).toEqual(transferBlock(record));
      }),
    );
  });

  it('tells the time in two words as a bigint would, also across a clock that is set', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4_000_000_000_000 }),
        fc.double({ min: 0, max: 1e11, noNaN: true }),
        (epochMs, nowMs) => {
          const clock = new RingClock(0, () => epochMs + nowMs);
          // Made at 0, when the host's clock stood where it stands now: it is looked at again.
          clock.set(nowMs);
          const ns = (BigInt(clock.high) << 32n) | BigInt(clock.low);
          const exact = BigInt(epochMs) * 1_000_000n + BigInt(Math.round(nowMs * 1e6));
          const difference = Number(ns - exact);
          expect(Math.abs(difference)).toBeLessThan(nowMs >= 1000 ? 1e6 : 1001e6);
        },
      ),
    );
    const clock = new RingClock(0, () => 1_700_000_000_000);
    clock.set(0.000_007);
    expect((BigInt(clock.high) << 32n) | BigInt(clock.low)).toBe(1_700_000_000_000_000_007n);
  });

  it('keeps the last ones when it is full, and tells each reader what he has missed', () => {
    const memory = new ArrayBuffer(RING_SIZE);
    const add = adder(new TransferRing(memory));
    add(100);
    const [slow, prompt] = [new RingReader(memory), new RingReader(memory)];
    expect(recordsOf(readAll(slow))).toHaveLength(100);
    expect(recordsOf(readAll(prompt))).toHaveLength(100);
    add(1000);
    expect(recordsOf(readAll(prompt))).toHaveLength(1000);
    add(50_000);
    const chunks = readAll(slow);
    const records = recordsOf(chunks);
    const dropped = chunks.reduce((sum, chunk) => sum + chunk.dropped, 0);
    expect(records.length).toBeGreaterThan(5000);
    expect(records.length + dropped).toBe(51_000);
    expect(records.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: records.length }, (_, i) => 51_100 - records.length + i),
    );
    // The block itself says so.
    const first = transferBlock(records[0]!, { dropped });
    expect(chunks[0]!.blocks.subarray(0, first.length)).toEqual(first);
    expect(slow.hasMore).toBe(false);
  });

  it('begins where a reader wants to', () => {
    const memory = new ArrayBuffer(RING_SIZE);
    const add = adder(new TransferRing(memory));
    add(30_000);
    const first = (reader: RingReader) => recordsOf(readAll(reader)).map(({ sequence }) => sequence);
    expect(first(new RingReader(memory, 0, { recent: 3 }))).toEqual([29_997, 29_998, 29_999]);
    expect(first(new RingReader(memory, 0, { recent: 0 }))).toEqual([]);
    expect(first(new RingReader(memory, 0, { sequence: 29_998 }))).toEqual([29_998, 29_999]);
    const [oldest] = readAll(new RingReader(memory, 0, { sequence: 7 }));
    expect(oldest!.dropped).toBe(transfersIn(oldest!.blocks)[0]!.sequence - 7);
    const fresh = new RingReader(memory, 0, 'now');
    expect(first(fresh)).toEqual([]);
    add(1);
    expect(first(fresh)).toEqual([30_000]);
  });

  it('goes on in the memory of a writer that was killed, also in the middle of a block', () => {
    const memory = new ArrayBuffer(RING_SIZE);
    adder(new TransferRing(memory))(5000);
    const reader = new RingReader(memory);
    const before = recordsOf(readAll(reader)).length;
    const head = new Uint32Array(memory)[1]!;
    // Half a block, of which nobody was told.
    new Uint8Array(memory).fill(0xa5, 64 + (head % 2 ** 19) * 4, 64 + (head % 2 ** 19) * 4 + 40);
    const successor = new TransferRing(memory);
    expect(successor.nextSequence).toBe(5000);
    adder(successor)(10);
    expect(recordsOf(readAll(reader)).map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 10 }, (_, i) => 5000 + i),
    );
    expect(recordsOf(readAll(new RingReader(memory))).length).toBe(before + 10);
  });

  it('trusts nothing that lies in its memory', () => {
    const memory = new ArrayBuffer(RING_SIZE);
    const words = new Uint32Array(memory);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(RING_SIZE / 4 - 1), fc.integer()), { maxLength: 40 }),
        fc.tuple(fc.integer(), fc.integer()),
        fc.nat(3000),
        (damage, [tail, head], count) => {
          const add = adder(new TransferRing(memory));
          const reader = new RingReader(memory);
          add(count);
          for (const [at, value] of damage) words[at] = value;
          readAll(reader);
          add(10);
          words[0] = tail;
          words[1] = head;
          readAll(reader);
          readAll(new RingReader(memory, 0, { recent: 5 }));
          const ring = new TransferRing(memory);
          const from = ring.nextSequence;
          adder(ring)(5);
          const read = recordsOf(readAll(new RingReader(memory, 0, { sequence: from })));
          expect(read.map(({ sequence }) => sequence - from)).toEqual([0, 1, 2, 3, 4]);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('wakes a reader that asked for it, once a quarter is new', () => {
    const memory = new ArrayBuffer(RING_SIZE);
    let woken = 0;
    const add = adder(new TransferRing(memory, 0, () => woken++));
    add(20_000);
    expect(woken).toBe(0);
    const reader = new RingReader(memory);
    readAll(reader);
    reader.askForNudge();
    add(100);
    expect(woken).toBe(0);
    add(5000);
    expect(woken).toBe(1);
  });

  it('is read whole by another thread while it is written over', async () => {
    const COUNT = 400_000;
    const memory = new SharedArrayBuffer(RING_SIZE);
    const loader = import.meta.resolve('tsx/esm/api');
    const entry = new URL('./ring-writer-thread.ts', import.meta.url).href;
    const source = `import { register } from '${loader}'; register(); await import('${entry}');`;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
      workerData: { memory, count: COUNT },
      execArgv: [],
    });
    let isDone = false;
    void once(worker, 'message').then(() => {
      isDone = true;
    });
    const reader = new RingReader(memory);
    let seen = 0;
    let dropped = 0;
    for (let last = false; !last; ) {
      last = isDone;
      for (let chunk = reader.read(); chunk !== undefined; chunk = reader.read()) {
        const before = chunk.next - chunk.records;
        const records = transfersIn(chunk.blocks);
        expect(records).toHaveLength(chunk.records);
        for (const [i, { sequence, mrq, tx }] of records.entries()) {
          if (sequence !== before + i || mrq !== sequence || tx.length !== (sequence * 7) % 513)
            throw new Error(`${before + i} is torn`);
          if (tx.some((byte) => byte !== (sequence & 0xff))) throw new Error(`${sequence} has others' bytes`);
        }
        seen += chunk.records;
        dropped += chunk.dropped;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(seen + dropped).toBe(COUNT);
    expect(seen).toBeGreaterThan(1000);
    await worker.terminate();
  }, 60_000);
});
