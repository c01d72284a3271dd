import { type FileHandle, open, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { olderName } from '../../../bpmp/capture/index.js';
import { GpuvmError } from '../../../errors.js';

const CHUNK = 1 << 18;
/** How often it is looked whether there is more: as a person would see it happen. */
const POLL_MS = 100;
/** Older files of one capture that are looked through for the one that was read last. */
const MOST_OLDER = 1000;

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
    let between: readonly FileHandle[] = [];
    try {
      yield reader.chunks();
      if (reader.successor !== undefined) between = await filesBetween(path, file, reader.successor);
    } finally {
      await file.close();
    }
    for (const older of between) yield wholeOf(path, older);
    if (reader.successor === undefined) return;
    file = reader.successor;
  }
}

/** What was begun after one file and rotated away before the next was seen; the oldest first. */
async function filesBetween(path: string, file: FileHandle, next: FileHandle): Promise<FileHandle[]> {
  const [mine, newest] = [await file.stat({ bigint: true }), await next.stat({ bigint: true })];
  let found: FileHandle[] = [];
  for (let number = 1; number <= MOST_OLDER; number++) {
    const older = await open(olderName(path, number), 'r').catch(() => undefined);
    if (older === undefined) break;
    const { ino } = await older.stat({ bigint: true });
    if (ino === mine.ino) {
      await older.close();
      return found.reverse();
    }
    found.push(older);
    // It was rotated once more just now: what is newer is its own successor's.
    if (ino === newest.ino) found = await closed(found);
  }
  // Older files of another time: the file was removed and made anew, not rotated.
  return closed(found);
}

async function closed(files: readonly FileHandle[]): Promise<FileHandle[]> {
  for (const file of files) await file.close();
  return [];
}

async function* wholeOf(path: string, file: FileHandle): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(CHUNK);
  try {
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK, null);
      if (bytesRead === 0) return;
      yield chunk.subarray(0, bytesRead);
    }
  } catch (cause) {
    throw unreadable(path, cause);
  } finally {
    await file.close();
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
