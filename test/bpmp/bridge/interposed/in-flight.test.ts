import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InFlight } from '../../../../src/bpmp/bridge/interposed/in-flight.js';

describe('InFlight', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('finds the slot of a thread until it is settled', () => {
    const inFlight = new InFlight(1000, () => {});
    inFlight.add(3, 100);
    expect(inFlight.of(100)).toBe(3);
    expect(inFlight.of(101)).toBeUndefined();
    expect(inFlight.settle(3)).toBe(true);
    expect(inFlight.of(100)).toBeUndefined();
    expect(inFlight.size).toBe(0);
  });

  it('gives each up when its own time is over, in order', () => {
    const overdue: number[] = [];
    const inFlight = new InFlight(1000, (slot) => overdue.push(slot));
    inFlight.add(0, 100);
    vi.advanceTimersByTime(400);
    inFlight.add(1, 101);
    vi.advanceTimersByTime(599);
    expect(overdue).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(overdue).toEqual([0]);
    expect(inFlight).toMatchObject({ waiting: 1, size: 2 });
    vi.advanceTimersByTime(400);
    expect(overdue).toEqual([0, 1]);
  });

  it('keeps the slot of one that was given up until the backend lets go', () => {
    const inFlight = new InFlight(1000, () => {});
    inFlight.add(0, 100);
    inFlight.giveUp(0);
    expect(inFlight).toMatchObject({ waiting: 0, size: 1 });
    expect(inFlight.settle(0)).toBe(false);
    expect(inFlight.size).toBe(0);
  });

  it('has no timer left when nothing waits', () => {
    const inFlight = new InFlight(1000, () => {});
    inFlight.add(0, 100);
    inFlight.settle(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});
