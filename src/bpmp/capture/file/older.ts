import { extname } from 'node:path';
import { GpuvmError } from '../../../errors.js';
import type { CaptureDisk } from './disk.js';

/** `orin.2.pcapng` for the second newest of the older files of `orin.pcapng`. */
export function olderName(path: string, number: number): string {
  const extension = extname(path);
  return `${path.slice(0, path.length - extension.length)}.${number}${extension}`;
}

/**
 * Makes way for a new file: what is there becomes the newest of the older ones, and the oldest of more than `keep` is
 * removed. Whatever instant it is stopped at, no file but that one is lost.
 */
export async function makeWay(disk: CaptureDisk, path: string, keep: number): Promise<void> {
  const kind = await disk.kindOf(path);
  if (kind === 'absent') return;
  if (kind !== 'file') throw unfit(path, kind);
  if (await disk.isLocked(path))
    throw new GpuvmError(
      'GPUVM_LOCKED',
      `another gpuvm writes its capture to ${path}: give this one another file`,
    );
  if (keep === 0) {
    await disk.remove(path);
    return;
  }
  let gap = 1;
  while (gap < keep && (await disk.kindOf(olderName(path, gap))) !== 'absent') gap++;
  for (let number = gap; number > 1; number--)
    await disk.rename(olderName(path, number - 1), olderName(path, number));
  await disk.rename(path, olderName(path, 1));
}

function unfit(path: string, kind: 'link' | 'folder' | 'other'): GpuvmError {
  const what = {
    link: 'is a symbolic link, which a capture does not follow: give the path of the file itself',
    folder: 'is a folder: give the path of a file in it',
    other: 'is no regular file: to stream a capture elsewhere, ask the control socket for it',
  };
  return new GpuvmError('GPUVM_FILE', `the capture file ${path} ${what[kind]}`);
}
