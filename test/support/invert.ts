import type { Outcome } from '../../src/bpmp/backend/backend.js';

/** Answers a request with its bytes inverted. */
export function invert(_mrq: number, tx: Uint8Array, rx: Uint8Array): Outcome {
  const rxSize = Math.min(tx.length, rx.length);
  for (let i = 0; i < rxSize; i++) rx[i] = ~tx[i]!;
  return { ret: 0, rxSize };
}
