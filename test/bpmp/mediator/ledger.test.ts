import { describe, expect, it } from 'vitest';
import { Aspect } from '../../../src/bpmp/mediator/aspects.js';
import { Ledger } from '../../../src/bpmp/mediator/ledger.js';

const { CLOCK_STATE, CLOCK_RATE, DEBUG_FILE } = Aspect;

describe('Ledger', () => {
  it('holds what was changed, oldest first', () => {
    const ledger = new Ledger();
    ledger.note(CLOCK_STATE, 304, 0, 1, false);
    ledger.note(CLOCK_RATE, 304, 100, 200, false);
    expect(ledger.holdings().map(({ aspect, id, before, now }) => [aspect, id, before, now])).toEqual([
      [CLOCK_STATE, 304, 0, 1],
      [CLOCK_RATE, 304, 100, 200],
    ]);
  });

  it('forgets what is back at its value from before', () => {
    const ledger = new Ledger();
    ledger.note(CLOCK_RATE, 41, 100, 200, false);
    ledger.note(CLOCK_RATE, 41, 200, 300, false);
    expect(ledger.get(CLOCK_RATE, 41)).toMatchObject({ before: 100, now: 300 });
    ledger.note(CLOCK_RATE, 41, 300, 100, false);
    expect(ledger.size).toBe(0);
  });

  it('holds nothing where nothing changed', () => {
    const ledger = new Ledger();
    ledger.note(CLOCK_STATE, 91, 1, 1, true);
    expect(ledger.size).toBe(0);
  });

  it('keeps descriptors of 32 bits apart from clocks', () => {
    const ledger = new Ledger();
    ledger.note(DEBUG_FILE, 0xffffffff, 0, 1, false);
    ledger.note(CLOCK_STATE, 0xffffff, 0, 1, false);
    expect(ledger.size).toBe(2);
    expect(ledger.count(DEBUG_FILE)).toBe(1);
  });
});
