import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const path = (name) => fileURLToPath(new URL(`../../src/report/page/${name}`, import.meta.url));

/** The report's page as one script and one style sheet, for browsers that have DecompressionStream. */
export async function bundlePage() {
  const { outputFiles } = await build({
    entryPoints: { page: path('main.ts'), look: path('page.css') },
    outdir: '/',
    write: false,
    bundle: true,
    format: 'iife',
    platform: 'browser',
    target: ['chrome120', 'firefox121', 'safari17'],
    // The codecs and filters know bytes, and the searching of texts, as Node does.
    inject: [path('buffer.ts')],
    alias: { 'node:vm': path('vm.ts') },
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  const text = (name) => outputFiles.find((file) => file.path.endsWith(name)).text.trim();
  return { script: text('page.js'), style: text('look.css') };
}
