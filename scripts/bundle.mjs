/**
 * Makes one file of the commands, and one of the bridge's thread, with all that they need: hundreds of small modules cost
 * `gpuvm run` more to find and load than to run. The library's modules in dist/ stay as the compiler made them. And the
 * program and the look of the page that `gpuvm bpmp report` writes.
 */
import { chmodSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundlePage } from './lib/bundle-page.mjs';

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const outdir = path('dist/cli');

// What the compiler wrote of the commands is in the bundle; and a code cache of another bundle must never meet this one.
rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints: { main: path('src/cli/main.ts'), entry: path('src/bpmp/worker/entry.ts') },
  // Two folders below the package: the addon and package.json are found from there as from src/.
  outdir,
  outExtension: { '.js': '.bundle.cjs' },
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  // Names stay, for those who read a stack trace.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'inline',
  banner: { js: "const gpuvmUrl = require('node:url').pathToFileURL(__filename).href;" },
  define: {
    'import.meta.url': 'gpuvmUrl',
    'import.meta.dirname': '__dirname',
    // For the loader of TypeScript, which there is none of here.
    'import.meta.resolve': 'undefined',
  },
  logLevel: 'warning',
});
for (const name of ['main.cjs', 'entry.cjs'])
  copyFileSync(path('scripts/lib/launch.cjs'), `${outdir}/${name}`);
chmodSync(`${outdir}/main.cjs`, 0o755);

const { script, style } = await bundlePage();
mkdirSync(path('dist/report'), { recursive: true });
writeFileSync(path('dist/report/page.js'), script);
writeFileSync(path('dist/report/page.css'), style);
