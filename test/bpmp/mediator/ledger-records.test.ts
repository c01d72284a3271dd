import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Aspect } from '../../../src/bpmp/mediator/aspects.js';
import { Ledger } from '../../../src/bpmp/mediator/ledger.js';
import { LedgerRecords, RECORD_SIZE } from '../../../src/bpmp/mediator/ledger-records.js';

const COUNT = 64;
const memoryOf = (count = COUNT) => new ArrayBuffer(count * RECORD_SIZE);
const read = (memory: ArrayBuffer) => new LedgerRecords(memory, 0, memory.byteLength / RECORD_SIZE);

describe('LedgerRecords', () => {
  it('has another find what was held, in the order of the first changes', () => {
    const memory = memoryOf();
    const ledger = new Ledger(read(memory));
    for (const [aspect, id, before, now] of [
      [Aspect.DOMAIN, 3, 0, 1],
      [Aspect.CLOCK_STATE, 304, 0, 1],
      [Aspect.CLOCK_RATE, 304, 100_000_000_000, 5],
      [Aspect.DOMAIN, 3, 1, 2],
    ] as const) {
      ledger.intend(aspect, id, before, aspect === Aspect.DOMAIN);
      ledger.note(aspect, id, before, now, aspect === Aspect.DOMAIN);
    }
    ledger.intend(Aspect.CLOCK_PARENT, 9, undefined, false);
    ledger.note(Aspect.CLOCK_PARENT, 9, undefined, 7, false);
    expect(read(memory).found).toEqual(ledger.holdings());
    expect(read(memory).found.map(({ id, now }) => [id, now])).toEqual([
      [3, 2],
      [304, 1],
      [304, 5],
      [9, 7],
    ]);
  });

  it('has another find a change that was about to be made, and mark it so', () => {
    const memory = memoryOf();
    const ledger = new Ledger(read(memory));
    ledger.intend(Aspect.CLOCK_STATE, 304, 0, false);
    expect(read(memory).found).toEqual([
      { aspect: Aspect.CLOCK_STATE, id: 304, before: 0, now: 0, shared: false, unsure: true },
    ]);
    ledger.abandon(Aspect.CLOCK_STATE, 304);
    expect(read(memory).found).toEqual([]);
  });

  it('keeps the record while one of two changes under way has failed', () => {
    const memory = memoryOf();
    const ledger = new Ledger(read(memory));
    ledger.intend(Aspect.CLOCK_RATE, 1, 10, false);
    ledger.intend(Aspect.CLOCK_RATE, 1, 10, false);
    ledger.abandon(Aspect.CLOCK_RATE, 1);
    expect(read(memory).found).toHaveLength(1);
    ledger.note(Aspect.CLOCK_RATE, 1, 10, 20, false);
    expect(read(memory).found).toMatchObject([{ before: 10, now: 20 }]);
    expect(read(memory).found[0]).not.toHaveProperty('unsure');
  });

  it('refuses a change that it has no room for, before it is made', () => {
    const records = read(memoryOf(2));
    const ledger = new Ledger(records);
    for (const id of [1, 2]) ledger.intend(Aspect.CLOCK_STATE, id, 0, false);
    expect(() => ledger.intend(Aspect.CLOCK_STATE, 3, 0, false)).toThrow('full');
    ledger.abandon(Aspect.CLOCK_STATE, 1);
    ledger.intend(Aspect.CLOCK_STATE, 3, 0, false);
    expect(records.held().map(({ id }) => id)).toEqual([2, 3]);
  });

  it('agrees with the ledger after any changes, at any moment, however often it is taken over', () => {
    const step = fc.record({
      aspect: fc.constantFrom(Aspect.CLOCK_STATE, Aspect.CLOCK_RATE, Aspect.DEBUG_FILE),
      id: fc.integer({ min: 0, max: 4 }).map((id) => id * 0x3fff_ffff),
      now: fc.integer({ min: 0, max: 2 }),
      succeeds: fc.boolean(),
      takenOver: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const memory = memoryOf();
        let records = read(memory);
        let ledger = new Ledger(records);
        for (const { aspect, id, now, succeeds, takenOver } of steps) {
          ledger.intend(aspect, id, 0, false);
          if (succeeds) ledger.note(aspect, id, 0, now, false);
          else ledger.abandon(aspect, id);
          expect(records.held()).toEqual(ledger.holdings());
          if (!takenOver) continue;
          records = read(memory);
          ledger = new Ledger(records, records.found);
        }
      }),
    );
  });

  it('gives back nothing that somebody else wrote there, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: RECORD_SIZE * 8, maxLength: RECORD_SIZE * 8 }), (bytes) => {
        const records = read(bytes.slice().buffer);
        expect(records.found.length + records.damaged).toBeLessThanOrEqual(8);
        for (const { now, before } of records.found) {
          expect(Number.isSafeInteger(now) && Number.isSafeInteger(before ?? 0)).toBe(true);
        }
      }),
    );
  });
});
