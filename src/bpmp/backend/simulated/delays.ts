import { constants } from 'node:os';
import type { Outcome } from '../backend.js';
import type { SimulatedOptions } from './options.js';

/** Below this a timer is too coarse, and the event loop is turned until the time has come. */
const FINE_MS = 2;

/** Holds answers back for a while, or for good. */
export class Delays {
  private readonly hung = new Set<(outcome: Outcome) => void>();
  private closed = false;
  private random: number;

  constructor(
    private readonly latency: SimulatedOptions['latencyUs'],
    seed = 1,
  ) {
    this.random = seed | 0 || 1;
  }

  /** How long this request is to take, in µs. */
  draw(): number {
    const { latency } = this;
    if (latency === undefined) return 0;
    if (typeof latency === 'number') return latency;
    return latency.min + (latency.max - latency.min) * this.nextRandom();
  }

  later(outcome: Outcome, latencyUs: number): Promise<Outcome> {
    const due = performance.now() + latencyUs / 1000;
    return new Promise((resolve) => {
      const wait = () => {
        const left = due - performance.now();
        if (this.closed || left <= 0) resolve(outcome);
        else if (left > FINE_MS) setTimeout(wait, left - 1);
        else setImmediate(wait);
      };
      wait();
    });
  }

  /** Answered only by `close`. */
  never(): Promise<Outcome> {
    return new Promise((resolve) => this.hung.add(resolve));
  }

  close(): void {
    this.closed = true;
    for (const resolve of this.hung) resolve({ ret: -constants.errno.ENODEV, rxSize: 0 });
    this.hung.clear();
  }

  /** From 0 to 1, the same every time for one seed (xorshift). */
  private nextRandom(): number {
    let x = this.random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.random = x;
    return (x >>> 0) / 0x1_0000_0000;
  }
}
