import type { Backend, Outcome } from '../../../src/bpmp/backend/index.js';
import { Mrq } from '../../../src/bpmp/wire/index.js';

/** A payload of little-endian words. */
export function words(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setUint32(index * 4, value >>> 0, true);
  return bytes;
}

/** A CLK request: the command in the top byte. */
export function clk(command: number, id: number, ...more: number[]): Uint8Array {
  return words(((command << 24) | id) >>> 0, ...more);
}

/** SET_RATE and ROUND_RATE have a reserved word before the rate. */
export function clkRate(command: number, id: number, hz: number): Uint8Array {
  return clk(command, id, 0, hz % 0x1_0000_0000, Math.floor(hz / 0x1_0000_0000));
}

export interface Answer extends Outcome {
  /** The reply, cut to its size. */
  readonly rx: Uint8Array;
  /** Word at an index of the reply, unsigned. */
  u32(index: number): number;
  /** The reply's first eight bytes as a number. */
  u64(): number;
}

/** Asks a backend that answers at once. */
export function ask(backend: Backend, mrq: number, tx: Uint8Array, capacity = 120): Answer {
  const rx = new Uint8Array(capacity);
  const outcome = backend.transfer(mrq, tx, rx);
  if (outcome instanceof Promise) throw new Error('the backend did not answer at once');
  const view = new DataView(rx.buffer);
  return {
    ...outcome,
    rx: rx.subarray(0, outcome.rxSize),
    u32: (index) => view.getUint32(index * 4, true),
    u64: () => Number(view.getBigInt64(0, true)),
  };
}

export function askClk(backend: Backend, command: number, id: number, ...more: number[]): Answer {
  return ask(backend, Mrq.CLK, clk(command, id, ...more));
}
