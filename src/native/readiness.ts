/** What to be told of, as bits; those of libuv's `uv_poll_event`. */
export const Ready = { READABLE: 1, WRITABLE: 2, DISCONNECT: 4 } as const;

/**
 * A descriptor on the event loop of the thread that made it (native/readiness.cc). It keeps the loop alive while it
 * watches. The descriptor stays its owner's, and must be closed only after `close`.
 */
export interface Readiness {
  /** Bits of {@link Ready}; 0 stops. Without effect after `close`. */
  watch(events: number): void;
  /** May be called twice. */
  close(): void;
}

export interface ReadinessAddon {
  Readiness: new (fd: number, onReady: (events: number) => void) => Readiness;
}
