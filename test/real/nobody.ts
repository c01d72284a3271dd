import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const checkout = resolve(import.meta.dirname, '../..');
const NOBODY = 65534;

/** What a TypeScript module of the tests needs to run, the loader with what it depends on included. */
const needed = [
  'package.json',
  'tsconfig.json',
  'src',
  'test',
  'build/Release/gpuvm.node',
  'build/Release/gpuvm-exec',
  'build/Release/gpuvm-standin',
  'node_modules/tsx',
  'node_modules/esbuild',
  'node_modules/@esbuild',
];

/**
 * Runs this Node as nobody, from root. The checkout, and Node itself, may lie below a folder that only root can enter, so
 * both are copied to where nobody can. Arguments may be absolute paths in the checkout.
 */
export function runAsNobody(args: readonly string[]): { stdout: string; stderr: string } {
  const place = mkdtempSync(join(tmpdir(), 'gpuvm-nobody-'));
  try {
    chmodSync(place, 0o755);
    for (const name of needed) {
      cpSync(join(checkout, name), join(place, name), {
        recursive: true,
        filter: (path) => !path.includes('/test/data/'),
      });
    }
    const node = join(place, 'node');
    copyFileSync(process.execPath, node);
    const moved = args.map((arg) =>
      arg.startsWith(checkout) ? join(place, arg.slice(checkout.length)) : arg,
    );
    return spawnSync(node, moved, {
      cwd: place,
      uid: NOBODY,
      gid: NOBODY,
      encoding: 'utf8',
      timeout: 30_000,
    });
  } finally {
    rmSync(place, { recursive: true });
  }
}
