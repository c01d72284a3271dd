import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { execa } from 'execa';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

export async function bundlePrograms(scripts: Record<string, string>, outdir: string): Promise<void> {
  const url = JSON.stringify(pathToFileURL(join(root, 'dist/cli/main.bundle.cjs')).href);
  await build({
    entryPoints: { ...scripts, 'gpuvm.bundle': join(root, 'src/cli/main.ts') },
    outdir,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    minifySyntax: true,
    minifyWhitespace: true,
    define: {
      'import.meta.url': url,
      'import.meta.dirname': JSON.stringify(join(root, 'dist/cli')),
      'import.meta.resolve': 'undefined',
    },
    logLevel: 'warning',
  });
  const program = join(outdir, 'gpuvm.cjs');
  copyFileSync(join(root, 'scripts/lib/launch.cjs'), program);
  copyFileSync(join(root, 'test/real/twin/inside/stop-at.cjs'), join(outdir, 'stop-at.cjs'));
  const place = ['--sysroot', outdir, '--state-dir', join(outdir, 'none')];
  await execa(process.execPath, [program, 'devices', 'list', ...place], {
    env: { GPUVM_CACHE_CODE: '1' },
    stdio: 'ignore',
  });
}
