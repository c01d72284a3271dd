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
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { execa } from 'execa';

const root = fileURLToPath(new URL('../../../', import.meta.url));

export interface TwinScript {
  /** A TypeScript file, to be run by the twin's Node. It writes its results with `report` (inside/report.ts). */
  readonly script: string;
  /** C programs that the script needs; each is `$TWIN_RESULTS/bin/<name>` there. */
  readonly programs?: readonly string[];
  /** Further files, which the twin finds in `$TWIN_RESULTS`. */
  readonly files?: readonly string[];
  readonly deadlineMs: number;
}

export interface TwinRun extends TwinScript {
  /** An x86 host with VFIO for PCI, or an arm64 one shaped like an Orin. */
  readonly kind: 'x86' | 'orin';
  /** Further options of scripts/twin. */
  readonly options?: readonly string[];
}

/**
 * What became of a script that ran in a host of its own with real VFIO (scripts/twin). Script and gpuvm were made of the
 * sources as they are now; the addon is the checkout's in the x86 twin, and made of the checkout's sources in the Orin's.
 */
export class Twin {
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
  static async run(run: TwinRun): Promise<Twin> {
    const started = performance.now();
    const folder = mkdtempSync(join(tmpdir(), 'gpuvm-twin-'));
    try {
      // The twin's other accounts read it too.
      chmodSync(folder, 0o755);
      for (const inner of ['results', 'bin']) mkdirSync(join(folder, inner));
      await makePrograms(run, folder);
      for (const source of run.programs ?? []) {
        const program = join(folder, 'bin', basename(source, '.c'));
        await execa(compilers[run.kind], ['-O1', '-Wall', '-Wextra', '-Werror', '-o', program, source]);
      }
      for (const file of run.files ?? []) copyFileSync(file, join(folder, basename(file)));
      const twin = new Twin(await boot(folder, run), folder, performance.now() - started);
      console.log(twin.times(`${run.kind}: ${basename(run.script, '.ts')}`));
      return twin;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** `x86: binding took 61 s: edu 4.1, …`: how long it took, the longest cases first. */
  times(name: string): string {
    const seconds = (ms: number) => (ms / 1000).toFixed(1);
    const cases = [...this.#results]
      .map(([key, result]) => ({ key, ms: (result as { tookMs?: number } | null)?.tookMs ?? 0 }))
      .filter(({ ms }) => ms >= 1000)
      .toSorted((a, b) => b.ms - a.ms);
    const list = cases.map(({ key, ms }) => `${key} ${seconds(ms)}`).join(', ');
    return `${name} took ${seconds(this.tookMs)} s${list === '' ? '' : `: ${list}`}`;
  }

  /** What the script reported under this name. Throws with all that was said where it did not come to that. */
  reported(name: string): unknown {
    if (this.#results.has(name)) return this.#results.get(name);
    const said = [this.stderr, 'kernel:', ...this.console.trim().split('\n').slice(-15)].join('\n');
    throw new Error(`the twin reported nothing of ${name}; it ended with ${this.status}:\n${said}`);
  }
}

const compilers = { x86: 'cc', orin: process.arch === 'arm64' ? 'cc' : 'aarch64-linux-gnu-gcc' } as const;

interface Output {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The script as `script.cjs` and gpuvm as `gpuvm.cjs`, of the sources as they are now. */
export async function makePrograms(
  { kind, script }: Pick<TwinRun, 'kind' | 'script'>,
  folder: string,
): Promise<void> {
  warnOfOldDist();
  await bundle({ script, 'gpuvm.bundle': join(root, 'src/cli/main.ts') }, folder);
  copyFileSync(join(root, 'scripts/lib/launch.cjs'), join(folder, 'gpuvm.cjs'));
  // The Orin twin keeps by itself what its own V8 made of it.
  if (kind === 'x86') await cacheCode(folder);
}

/** A bridge's thread is dist's own; everything else is made of the sources. */
function warnOfOldDist(): void {
  const built = mtimeOf(join(root, 'dist/cli/entry.bundle.cjs'));
  const newest = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .reduce((time, name) => Math.max(time, mtimeOf(join(root, 'src', name))), 0);
  if (newest > built)
    console.warn("dist is older than src, and a bridge's thread comes from there: npm run build:dist");
}

function mtimeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
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
  const place = ['--sysroot', folder, '--state-dir', join(folder, 'none')];
  await execa(process.execPath, [join(folder, 'gpuvm.cjs'), 'devices', 'list', ...place], {
    env: { GPUVM_CACHE_CODE: '1' },
    stdio: 'ignore',
  });
}

function boot(folder: string, { kind, deadlineMs, options = [] }: TwinRun): Promise<Output> {
  const places = ['--results', folder, '--console', join(folder, 'console')];
  const program = ['--gpuvm', join(folder, 'gpuvm.cjs')];
  const deadline = ['--deadline', String(Math.ceil(deadlineMs / 1000))];
  const child = spawn(
    join(root, 'scripts/twin'),
    [kind, ...places, ...program, ...deadline, ...options, '--', 'node', '/results/script.cjs'],
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
