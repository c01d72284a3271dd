import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { programPath } from '../../programs.js';
import { VolatileDisk } from './volatile-disk.js';

const SIZE_BYTES = 12 * 1024 * 1024;

/** An empty ext4 with the block size and the journalling of a real one, but small. */
export async function ext4Disk(): Promise<VolatileDisk> {
  return withFile(Buffer.alloc(SIZE_BYTES), async (file) => {
    await execa(e2fsprogs('mke2fs'), ['-q', '-F', '-t', 'ext4', '-b', '4096', '-J', 'size=4', file]);
    // Its superblock is written in place, and there is no remedy for half of one.
    return VolatileDisk.of(readFileSync(file), { undividedBytes: 4096 });
  });
}

/** One of e2fsprogs' programs, which lie where only root's PATH goes. */
export function e2fsprogs(name: string): string {
  return programPath(name) ?? `/usr/sbin/${name}`;
}

/** What a host finds of gpuvm's journals when it mounts this disk; the file system is put right first, as at a boot. */
export interface FoundJournals {
  readonly folder: string;
  readonly texts: readonly string[];
}

/**
 * Has the journals of a disk that lost its power in a folder of its own, as long as `use` takes. Throws what e2fsck says
 * where more is amiss than the file system's own journal puts right.
 */
export async function withJournals<T>(
  disk: VolatileDisk,
  use: (found: FoundJournals) => Promise<T>,
): Promise<T> {
  return withFile(disk.image(), async (file) => {
    const checked = await execa(e2fsprogs('e2fsck'), ['-p', file], { reject: false });
    if (checked.exitCode === undefined || checked.exitCode > 1)
      throw new Error(`the file system is broken: ${checked.stdout} ${checked.stderr}`);
    const folder = join(dirname(file), 'found');
    mkdirSync(folder);
    await execa(e2fsprogs('debugfs'), ['-R', `rdump /journal ${folder}`, file]);
    const journals = join(folder, 'journal');
    const texts = existsSync(journals)
      ? readdirSync(journals).map((name) => readFileSync(join(journals, name), 'latin1'))
      : [];
    return use({ folder, texts });
  });
}

async function withFile<T>(content: Buffer, use: (file: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-disk-'));
  try {
    const file = join(folder, 'disk');
    writeFileSync(file, content);
    return await use(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
