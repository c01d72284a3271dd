import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { programPath } from '../../programs.js';
import { VolatileDisk } from './volatile-disk.js';

const SIZE_BYTES = 24 * 1024 * 1024;

/** An empty ext4 with the block size and the journalling of a real one, but small. */
export async function ext4Disk(): Promise<VolatileDisk> {
  return withFile(Buffer.alloc(SIZE_BYTES), async (file) => {
    await execa(e2fsprogs('mke2fs'), ['-q', '-F', '-t', 'ext4', '-b', '4096', '-J', 'size=4', file]);
    return VolatileDisk.of(readFileSync(file));
  });
}

/** One of e2fsprogs' programs, which lie where only root's PATH goes. */
export function e2fsprogs(name: string): string {
  return programPath(name) ?? `/usr/sbin/${name}`;
}

export async function withFile<T>(content: Buffer, use: (file: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-disk-'));
  try {
    const file = join(folder, 'disk');
    writeFileSync(file, content);
    return await use(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
