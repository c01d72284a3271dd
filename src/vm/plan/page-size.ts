import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The type of the entry that holds the page size (include/uapi/linux/auxvec.h). */
const AT_PAGESZ = 6n;
const SMALLEST = 4096n;

/** The host's page size in bytes, as its kernel tells each process; 4 KiB where that cannot be read. */
export function hostPageSize(sysroot: string): bigint {
  try {
    const vector = readFileSync(join(sysroot, 'proc/self/auxv'));
    for (let at = 0; at + 16 <= vector.length; at += 16) {
      if (vector.readBigUInt64LE(at) !== AT_PAGESZ) continue;
      const size = vector.readBigUInt64LE(at + 8);
      if (size >= SMALLEST && (size & (size - 1n)) === 0n) return size;
    }
  } catch {
    // A sysroot of a test, or of another machine.
  }
  return SMALLEST;
}
