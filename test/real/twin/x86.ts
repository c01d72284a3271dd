import { spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { execa } from 'execa';

const root = fileURLToPath(new URL('../../../', import.meta.url));

export interface TwinRun {
  /** A TypeScript file, to be run by the twin's Node. It writes its results with `report` (inside/report.ts). */
  readonly script: string;
  /** C programs that the script needs; each is `$TWIN_RESULTS/bin/<name>` there. */
  readonly programs?: readonly string[];
  /** Further files, which the twin finds in `$TWIN_RESULTS`. */
  readonly files?: readonly string[];
  readonly deadlineMs: number;
  /** Whose kernel: bookworm has 6.1, trixie 6.12 with iommufd. Default: bookworm. */
  readonly release?: 'bookworm' | 'trixie';
}

/**
 * What became of a script that ran in an x86 host of its own with real VFIO (scripts/twin x86). Script and gpuvm were made
 * of the sources as they are now; the addon is the checkout's.
 */
export class X86Twin {
  /** The script's exit status. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The kernel's own messages. */
  readonly console: string;
  readonly tookMs: number;
  readonly #results: ReadonlyMap<string, unknown>;

  private constructor(output: Output, folder: string, tookMs: number) {
    this.status = output.status;
    this.stdout = output.stdout;
    this.stderr = output.stderr;
    this.console = readOr(join(folder, 'console'));
    this.tookMs = tookMs;
    this.#results = collect(join(folder, 'results'));
  }

  /** Boots the twin, runs the script there and switches it off. Takes some ten seconds more than the script. */
  static async run({
    script,
    programs = [],
    files = [],
    deadlineMs,
    release = 'bookworm',
  }: TwinRun): Promise<X86Twin> {
    const started = performance.now();
    const folder = mkdtempSync(join(tmpdir(), 'gpuvm-twin-'));
    try {
      // The twin's other accounts read it too.
      chmodSync(folder, 0o755);
      for (const inner of ['results', 'bin']) mkdirSync(join(folder, inner));
      await bundle({ script, 'gpuvm.bundle': join(root, 'src/cli/main.ts') }, folder);
      await cacheCode(folder);
      for (const source of programs) {
        const program = join(folder, 'bin', basename(source, '.c'));
        await execa('cc', ['-O1', '-Wall', '-Wextra', '-Werror', '-o', program, source]);
      }
      for (const file of files) copyFileSync(file, join(folder, basename(file)));
      const output = await boot(folder, deadlineMs, release);
      return new X86Twin(output, folder, performance.now() - started);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** What the script reported under this name. Throws with all that was said where it did not come to that. */
  reported(name: string): unknown {
    if (this.#results.has(name)) return this.#results.get(name);
    const said = [this.stderr, 'kernel:', ...this.console.trim().split('\n').slice(-15)].join('\n');
    throw new Error(`the twin reported nothing of ${name}; it ended with ${this.status}:\n${said}`);
  }
}

interface Output {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One file each, that Node runs as it is. */
async function bundle(entryPoints: Record<string, string>, outdir: string): Promise<void> {
  // The addon and package.json are found from two folders below the package.
  const url = JSON.stringify(pathToFileURL(join(root, 'dist/cli/main.bundle.cjs')).href);
  await build({
    entryPoints,
    outdir,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    // There it takes a second to compile what is not cached.
    minifySyntax: true,
    minifyWhitespace: true,
    define: {
      'import.meta.url': url,
      'import.meta.dirname': JSON.stringify(join(root, 'dist/cli')),
      'import.meta.resolve': 'undefined',
    },
    logLevel: 'warning',
  });
}

/** As the package's own program is started: with what V8 made of it kept beside it. */
async function cacheCode(folder: string): Promise<void> {
  const program = join(folder, 'gpuvm.cjs');
  copyFileSync(join(root, 'scripts/lib/launch.cjs'), program);
  const place = ['--sysroot', folder, '--state-dir', join(folder, 'none')];
  await execa(process.execPath, [program, 'devices', 'list', ...place], {
    env: { GPUVM_CACHE_CODE: '1' },
    stdio: 'ignore',
  });
}

function boot(folder: string, deadlineMs: number, release: string): Promise<Output> {
  const options = [
    '--results',
    folder,
    '--release',
    release,
    '--console',
    join(folder, 'console'),
    '--gpuvm',
    join(folder, 'gpuvm.cjs'),
  ];
  const deadline = ['--deadline', String(Math.ceil(deadlineMs / 1000))];
  const child = spawn(
    join(root, 'scripts/twin'),
    ['x86', ...options, ...deadline, '--', 'node', '/results/script.cjs'],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      said[name] += chunk;
    });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, ...said }));
  });
}

function collect(folder: string): Map<string, unknown> {
  return new Map(
    readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => [name.slice(0, -5), JSON.parse(readFileSync(join(folder, name), 'utf8'))]),
  );
}

function readOr(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
