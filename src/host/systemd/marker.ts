/** What is seen of a guest's console. */
export interface Console {
  recent(): Uint8Array;
  subscribe(fn: (chunk: Uint8Array) => void): () => void;
}

/** Resolves once the console shows the marker, or has shown it; rejects with the signal's reason. */
export function consoleShows(console: Console, marker: string, signal: AbortSignal): Promise<void> {
  const wanted = Buffer.from(marker);
  return new Promise((resolve, reject) => {
    let tail = Buffer.alloc(0);
    const look = (chunk: Uint8Array) => {
      const text = Buffer.concat([tail, chunk]);
      if (text.includes(wanted)) finish(resolve);
      // The marker may lie across two chunks.
      else tail = text.subarray(Math.max(0, text.length - wanted.length + 1));
    };
    const unsubscribe = console.subscribe(look);
    const onAbort = () => finish(() => reject(signal.reason));
    const finish = (settle: () => void) => {
      unsubscribe();
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    else look(console.recent());
  });
}
