import type { Readable } from 'node:stream';
import { readCapture, type TransferRecord } from '../../bpmp/capture/index.js';
import { GpuvmError } from '../../errors.js';
import type { Output } from '../output.js';
import { followFile } from './source/follow-file.js';
import { Notices } from './source/notices.js';
import { type Place, placeOf } from './source/place.js';
import { captureOf } from './source/vm.js';

export interface SourceOptions {
  readonly stdin: Readable;
  /** Where one line goes for each thing that is wrong with what is read. */
  readonly stderr: Output;
  /** Go on with what comes: of a VM until it ends, of a file until the signal. */
  readonly follow?: boolean;
  /** Of what a VM has kept, so many at most. */
  readonly recent?: number;
  /** Ends it as if there were nothing more. */
  readonly signal?: AbortSignal;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * The transfers of what a command line names, in batches: captures by their paths, `-` for standard input, running VMs by
 * name, one after the other; the one VM that runs where nothing is named. Throws what a user is to be told where there
 * is no such thing or it is no capture.
 */
export async function* openTransfers(
  words: readonly string[],
  options: SourceOptions,
): AsyncGenerator<readonly TransferRecord[]> {
  if (options.follow && words.length > 1)
    throw new GpuvmError('GPUVM_USAGE', `only one source can be followed, not ${words.length}`);
  const places: Place[] = [];
  for (const word of words.length === 0 ? [undefined] : words) places.push(await placeOf(word, options.env));
  for (const place of places) yield* transfersOf(place, options);
}

async function* transfersOf(place: Place, options: SourceOptions): AsyncGenerator<readonly TransferRecord[]> {
  const { signal } = options;
  const name = place.kind === 'stdin' ? 'standard input' : place.name;
  const notices = new Notices(options.stderr, name, signal);
  const { onNotice } = notices;
  try {
    for await (const source of sourcesIn(place, options)) {
      for await (const batch of readCapture(source, { onNotice, name })) {
        if (signal?.aborted) return;
        yield batch;
      }
    }
  } catch (error) {
    if (!signal?.aborted) throw error;
  } finally {
    notices.end();
  }
}

/** Captures of their own: a file that is rotated while it is followed is several. */
async function* sourcesIn(
  place: Place,
  options: SourceOptions,
): AsyncGenerator<string | AsyncIterable<Uint8Array>> {
  switch (place.kind) {
    case 'file':
      if (options.follow) yield* followFile(place.name, options.signal);
      else yield place.name;
      return;
    case 'stdin':
      yield untilAborted(options.stdin, options.signal);
      return;
    case 'vm':
      yield captureOf(place, options);
  }
}

/** A stream that is let go at the signal, however long its next chunk would take. */
async function* untilAborted(stream: Readable, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const destroy = () => stream.destroy();
  if (signal?.aborted) return;
  signal?.addEventListener('abort', destroy, { once: true });
  try {
    for await (const chunk of stream) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  } finally {
    signal?.removeEventListener('abort', destroy);
  }
}
