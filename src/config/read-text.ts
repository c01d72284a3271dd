import { open } from 'node:fs/promises';
import { GpuvmError } from '../errors.js';

/** Nobody writes a VM file of this length, in bytes. */
export const MAX_LENGTH = 1024 * 1024;

/**
 * A VM file's text, or another's of its kind, or as much of it as tells that it is too long: what is named may be a device that never ends.
 * Throws GPUVM_FILE where it cannot be read, GPUVM_CONFIG where it is no text.
 */
export async function readText(file: string, what = 'VM file'): Promise<string> {
  const bytes = await readBytes(file).catch((cause: NodeJS.ErrnoException) => {
    const why = reasons[cause.code ?? ''] ?? cause.message;
    throw new GpuvmError('GPUVM_FILE', `the ${what} ${file} cannot be read: ${why}`, { cause });
  });
  try {
    return new TextDecoder('utf-8', { fatal: bytes.length <= MAX_LENGTH, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new GpuvmError('GPUVM_CONFIG', 'is not text in UTF-8', { cause, place: { file } });
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there',
  EISDIR: 'it is a folder',
  EACCES: 'permission is missing',
  ENOTDIR: 'what is named as its folder is none',
};

async function readBytes(file: string): Promise<Uint8Array> {
  const handle = await open(file);
  try {
    const buffer = new Uint8Array(MAX_LENGTH + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  } finally {
    await handle.close();
  }
}
