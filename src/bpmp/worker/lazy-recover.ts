import type * as Recover from './recover.js';

// The thread has the mediator and all beneath it; the main thread needs them for this alone, and rarely.

/** See `recoverHoldings` in recover.ts. */
export const recoverHoldings: typeof Recover.recoverHoldings = async (...args) =>
  (await import('./recover.js')).recoverHoldings(...args);

/** See `leftHoldings` in recover.ts. */
export const leftHoldings: typeof Recover.leftHoldings = async (...args) =>
  (await import('./recover.js')).leftHoldings(...args);
