import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '../../..');
/** Two folders below the root, as the sources are: the addon is found from there. */
const folder = join(root, 'build', 'handover');

/** The supervisor and its thread as plain JavaScript: from source each start would take a second and more. */
export async function bundleSupervisor(): Promise<string> {
  await build({
    entryPoints: {
      supervisor: join(import.meta.dirname, 'supervisor.ts'),
      entry: join(root, 'src/bpmp/worker/entry.ts'),
    },
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'error',
  });
  return join(folder, 'supervisor.js');
}
