import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '../../..');
/** Two folders below the root, as the sources are: the addon and package.json are found from there. */
const folder = join(root, 'build', 'systemd');

let built: Promise<string> | undefined;

/** gpuvm from the sources as they are now, as plain JavaScript: a start takes a tenth of what it takes from TypeScript. */
export function bundledCommands(): Promise<string> {
  built ??= bundle();
  return built;
}

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    write: false,
    entryPoints: { main: join(root, 'src/cli/main.ts'), entry: join(root, 'src/bpmp/worker/entry.ts') },
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'error',
  });
  mkdirSync(folder, { recursive: true });
  for (const { path, contents } of outputFiles) replace(path, contents);
  return join(folder, 'main.js');
}

/** At once, and only where it differs: another file's services may be starting from it. */
function replace(path: string, contents: Uint8Array): void {
  if (same(path, contents)) return;
  const next = `${path}.${process.pid}`;
  writeFileSync(next, contents);
  renameSync(next, path);
}

function same(path: string, contents: Uint8Array): boolean {
  try {
    return readFileSync(path).equals(contents);
  } catch {
    return false;
  }
}
