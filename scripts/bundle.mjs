/**
 * Makes of the commands, and of the bridge's thread, a few files that hold all they need: hundreds of small modules cost
 * `gpuvm run` more to find and load than to run. The library's modules in dist/ stay as the compiler made them.
 */
import { chmodSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const outdir = path('dist/cli');

// What the compiler wrote of the commands is in the bundle.
rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints: { main: path('src/cli/main.ts'), entry: path('src/bpmp/worker/entry.ts') },
  // All in one folder, two below the package: the addon and package.json are found from there as from src/.
  outdir,
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // Names stay, for those who read a stack trace.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'inline',
  // Libraries that are CommonJS inside call require for Node's own modules.
  banner: {
    js: "import { createRequire as gpuvmCreateRequire } from 'node:module'; const require = gpuvmCreateRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
chmodSync(path('dist/cli/main.js'), 0o755);
