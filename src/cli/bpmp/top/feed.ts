import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TransferRecord } from '../../../bpmp/capture/index.js';
import type { ControlClient } from '../../../control/index.js';
import { GpuvmError } from '../../../errors.js';
import type { Context } from '../../context.js';
import { Output } from '../../output.js';
import type { Place } from '../source/place.js';
import { openTransfers } from '../source.js';
import type { VmFacts } from './facts.js';
import { factsOf } from './vm-facts.js';

const FACTS_MS = 1000;

export interface FeedEvents {
  onTransfers(records: readonly TransferRecord[]): void;
  onFacts(facts: VmFacts): void;
  onNotice(line: string): void;
  /** The stream is at its end; with what went wrong, if anything did. */
  onEnd(problem: GpuvmError | undefined): void;
}

/** A source's transfers and facts as they come, until it ends or is left. */
export class Feed {
  readonly #stop = new AbortController();

  constructor(word: string, place: Place, stdin: Context['stdin'], events: FeedEvents) {
    void this.#transfers(word, place, stdin, events);
    if (place.kind === 'vm') void this.#facts(place.client, events);
  }

  /** Aborted once it is left. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  leave(): void {
    this.#stop.abort();
  }

  async #transfers(word: string, place: Place, stdin: Context['stdin'], events: FeedEvents): Promise<void> {
    const { signal } = this;
    const stderr = new Output(linesTo((line) => signal.aborted || events.onNotice(line)));
    const follow = place.kind === 'vm';
    let problem: GpuvmError | undefined;
    try {
      for await (const records of openTransfers([word], { stdin, stderr, follow, signal })) {
        if (signal.aborted) return;
        events.onTransfers(records);
        // A long file is read in turns with the keyboard.
        if (!follow) await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      problem = GpuvmError.is(error)
        ? error
        : new GpuvmError('GPUVM_INTERNAL', String(error), { cause: error });
    }
    if (!signal.aborted) events.onEnd(problem);
  }

  async #facts(client: ControlClient, { onFacts }: FeedEvents): Promise<void> {
    const { signal } = this;
    while (!signal.aborted) {
      try {
        const facts = await factsOf(client);
        if (!signal.aborted) onFacts(facts);
      } catch {
        // The stream tells when the VM is gone; until then the last facts stand.
      }
      await sleep(FACTS_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}

/** A stream whose lines go to a function. */
function linesTo(take: (line: string) => void): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done) {
      for (const line of String(chunk).split('\n')) if (line !== '') take(line.replace(/^gpuvm: /, ''));
      done();
    },
  });
}
