import { type FileHandle, open, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { GpuvmError } from '../../../errors.js';

const CHUNK = 1 << 18;
/** How often it is looked whether there is more: as a person would see it happen. */
const POLL_MS = 100;

/**
 * A file that grows, as `tail -F` reads one: to its end, then whatever is added, and when another file has taken its place,
 * that one. Each file, or one that was begun anew, is a source of its own. Ends with the signal alone.
 */
export async function* followFile(
  path: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<string | AsyncIterable<Uint8Array>> {
  // A pipe goes on by itself.
  if ((await stat(path).catch(() => undefined))?.isFile() === false) return yield path;
  let file = await openFile(path);
  for (;;) {
    const reader = new GrowingFile(path, file, signal);
    try {
      yield reader.chunks();
    } finally {
      await file.close();
    }
    if (reader.successor === undefined) return;
    file = reader.successor;
  }
}

class GrowingFile {
  /** What has taken the file's place; undefined at the signal. */
  successor: FileHandle | undefined;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #signal: AbortSignal | undefined;

  constructor(path: string, file: FileHandle, signal: AbortSignal | undefined) {
    this.#path = path;
    this.#file = file;
    this.#signal = signal;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    const chunk = new Uint8Array(CHUNK);
    let position = 0;
    for (;;) {
      const { bytesRead } = await this.#read(chunk, position);
      position += bytesRead;
      if (bytesRead > 0) {
        yield chunk.subarray(0, bytesRead);
        continue;
      }
      if (this.successor !== undefined || this.#signal?.aborted) return;
      // What was written before it was replaced is read once more, before the new one is.
      this.successor = await this.#findSuccessor(position);
      if (this.successor === undefined)
        await sleep(POLL_MS, undefined, { signal: this.#signal }).catch(() => {});
    }
  }

  async #read(chunk: Uint8Array, position: number): Promise<{ bytesRead: number }> {
    try {
      return await this.#file.read(chunk, 0, CHUNK, position);
    } catch (cause) {
      throw unreadable(this.#path, cause);
    }
  }

  async #findSuccessor(position: number): Promise<FileHandle | undefined> {
    const [mine, present] = await Promise.all([
      this.#file.stat({ bigint: true }),
      stat(this.#path, { bigint: true }).catch(() => undefined),
    ]);
    // In the middle of a rotation there is none of that name for a moment.
    if (present === undefined) return undefined;
    const isSame = present.ino === mine.ino && present.dev === mine.dev;
    if (isSame && mine.size >= position) return undefined;
    return open(this.#path, 'r').catch(() => undefined);
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): GpuvmError {
  return new GpuvmError('GPUVM_FILE', `${path} cannot be read: ${(cause as Error).message}`, { cause });
}
