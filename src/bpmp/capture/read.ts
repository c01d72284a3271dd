import { open } from 'node:fs/promises';
import { GpuvmError } from '../../errors.js';
import type { Notice } from './notice.js';
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
  const reader = new TransferReader(onNotice);
  for await (const chunk of typeof source === 'string' ? chunksOf(source) : source) {
    reader.add(chunk);
    for (;;) {
      const records = reader.take(MOST_IN_BATCH);
      if (records.length === 0) break;
      yield records;
    }
    if (reader.refusal !== undefined)
      throw new GpuvmError('GPUVM_INPUT', `${name} is no capture: ${reader.refusal}`);
  }
  reader.finish();
}

/** Each chunk is good until the next is asked for. */
async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(CHUNK);
  try {
    const file = await open(path, 'r');
    try {
      for (;;) {
        const { bytesRead } = await file.read(chunk, 0, CHUNK, null);
        if (bytesRead === 0) return;
        yield chunk.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new GpuvmError('GPUVM_FILE', `${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
}
