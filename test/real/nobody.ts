import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';

const checkout = resolve(import.meta.dirname, '../..');

/**
 * Runs this Node as nobody, from root. The checkout, and a Node of its own, may lie below a folder that only root can
 * enter, so both are mounted where nobody can, for this one process. Paths in the checkout may be absolute.
 */
export function runAsNobody(args: readonly string[]): { stdout: string; stderr: string } {
  const place = mkdtempSync(join(tmpdir(), 'gpuvm-nobody-'));
  try {
    for (const name of ['checkout', 'node']) mkdirSync(join(place, name));
    const script = `
      chmod 755 "$1"
      mount --bind "$2" "$1/checkout" && mount --bind "$3" "$1/node" && cd "$1/checkout" && node=$1/node/$4 && shift 4 &&
      exec setpriv --reuid=65534 --regid=65534 --clear-groups "$node" "$@"`;
    const moved = args.map((arg) =>
      arg.startsWith(checkout) ? join(place, 'checkout', arg.slice(checkout.length)) : arg,
    );
    const node = process.execPath;
    const words = [place, checkout, dirname(node), basename(node), ...moved];
    return spawnSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', ...words], {
      encoding: 'utf8',
      timeout: 30_000,
    });
  } finally {
    rmSync(place, { recursive: true });
  }
}
