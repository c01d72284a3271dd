import { open } from 'node:fs/promises';
import { GpuvmError } from '../../errors.js';
import { type Notice, NoticeLimit } from './notice.js';
import type { TransferRecord } from './transfer.js';
import { TransferReader } from './transfer-reader.js';

export interface ReadOptions {
  /** What is not as it should be; the capture is read on all the same. */
  readonly onNotice?: (notice: Notice) => void;
  /** What it is called in an error; its path unless told. */
  readonly name?: string;
}

const CHUNK = 1 << 18;
const MOST_IN_BATCH = 4096;

/**
 * The transfers of a capture, in batches, as its bytes come: a file or a pipe by its path, or bytes from anywhere. It takes
 * the same memory however long the capture is.
 */
export async function* readCapture(
  source: string | AsyncIterable<Uint8Array>,
  {
    onNotice = () => undefined,
    name = typeof source === 'string' ? source : 'what was given',
  }: ReadOptions = {},
): AsyncGenerator<readonly TransferRecord[]> {
  const limit = new NoticeLimit(onNotice);
  const reader = new TransferReader((notice) => limit.add(notice));
  try {
    for await (const chunk of typeof source === 'string' ? chunksOf(source) : source) {
      reader.add(chunk);
      yield* batches(reader);
      if (reader.refusal !== undefined) break;
    }
    reader.finish();
    yield* batches(reader);
  } finally {
    limit.finish();
  }
  if (reader.refusal !== undefined)
    throw new GpuvmError('GPUVM_INPUT', `${name} is no capture: ${reader.refusal}`);
}

function* batches(reader: TransferReader): Generator<readonly TransferRecord[]> {
  for (;;) {
    const records = reader.take(MOST_IN_BATCH);
    if (records.length === 0) return;
    yield records;
  }
}

/** Each chunk is good until the one after the next is asked for: what is left of one is copied when the next is added. */
async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  let chunk = new Uint8Array(CHUNK);
  let other = new Uint8Array(CHUNK);
  try {
    const file = await open(path, 'r');
    try {
      for (;;) {
        const { bytesRead } = await file.read(chunk, 0, CHUNK, null);
        if (bytesRead === 0) return;
        yield chunk.subarray(0, bytesRead);
        [chunk, other] = [other, chunk];
      }
    } finally {
      await file.close();
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new GpuvmError('GPUVM_FILE', `${path} cannot be read: ${reasons[code ?? ''] ?? message}`, {
      cause,
    });
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there',
  EISDIR: 'it is a folder',
  EACCES: 'permission is missing',
  ENOTDIR: 'what is named as its folder is none',
};
