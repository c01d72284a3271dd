import { GpuvmError } from '../errors.js';

export interface WaitOptions {
  /** How long to wait, in ms; the VM's default (30 s) unless told. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** Something that is waited for, in words: 'the text "login:" on the console'. */
export interface Wait<T> extends WaitOptions {
  readonly what: string;
  readonly deadlineMs: number;
  /** Looks whether it is there; called again whenever `changed` says so. */
  look(): T | undefined;
  /** Calls back when it is worth another look; returns what ends that. */
  changed(again: () => void): () => void;
  /** Why it can never come any more, once that is so. */
  over(): string | undefined;
  /** What helps to understand that it did not come. */
  context(): string;
}

/** Waits for it. Throws GPUVM_WAIT where it does not come in time, or cannot come any more. */
export function waitFor<T>(wait: Wait<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const ends: (() => void)[] = [];
    const settle = (act: () => void) => {
      for (const end of ends.splice(0)) end();
      act();
    };
    const fail = (why: string) =>
      settle(() =>
        reject(new GpuvmError('GPUVM_WAIT', `${why}${wait.context()}`, { details: { what: wait.what } })),
      );
    const look = () => {
      const found = wait.look();
      if (found !== undefined) return settle(() => resolve(found));
      const why = wait.over();
      if (why !== undefined) fail(`${why} before there was ${wait.what}`);
    };
    const timer = setTimeout(
      () => fail(`there was no ${wait.what} within ${wait.deadlineMs} ms`),
      wait.deadlineMs,
    );
    ends.push(() => clearTimeout(timer));
    const { signal } = wait;
    if (signal) {
      const abort = () => settle(() => reject(signal.reason));
      signal.addEventListener('abort', abort);
      ends.push(() => signal.removeEventListener('abort', abort));
      if (signal.aborted) return abort();
    }
    ends.push(wait.changed(look));
    look();
  });
}
