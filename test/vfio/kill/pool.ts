import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';
import type { Orders } from './process.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** One works while the next one starts. */
const AHEAD = 2;

export interface Life {
  /** The moments that it passed; undefined where it was killed. */
  readonly points: readonly string[] | undefined;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Processes that wait for their orders: a kill test needs hundreds, and each takes longer to start than to live. They run
 * JavaScript that was made of the sources once.
 */
export class Pool {
  readonly #folder = mkdtempSync(join(tmpdir(), 'gpuvm-kill-'));
  #waiting: ChildProcess[] = [];

  constructor() {
    writeFileSync(join(this.#folder, 'process.cjs'), bundle('test/vfio/kill/process.ts'));
    for (let i = 0; i < AHEAD; i++) this.#start();
  }

  async live(orders: Orders): Promise<Life> {
    const child = this.#waiting.shift()!;
    this.#start();
    let out = '';
    let err = '';
    child.stdout!.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr!.on('data', (chunk) => {
      err += chunk;
    });
    const ended = new Promise<NodeJS.Signals | null>((resolve) =>
      child.once('close', (_code, signal) => resolve(signal)),
    );
    child.stdin!.end(`${JSON.stringify(orders)}\n`);
    const signal = await ended;
    if (signal === null && out === '') throw new Error(`the process failed: ${err}`);
    return { signal, points: out === '' ? undefined : (JSON.parse(out) as string[]) };
  }

  close(): void {
    for (const child of this.#waiting.splice(0)) child.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #start(): void {
    const child = spawn(process.execPath, [join(this.#folder, 'process.cjs')]);
    child.stdin.on('error', () => undefined);
    this.#waiting.push(child);
  }
}

/** The file and all that it imports of ours as one script, because reading sixty files takes longer than a life. */
function bundle(entry: string): string {
  const modules = new Map<string, string>();
  const add = (path: string): void => {
    if (modules.has(path)) return;
    modules.set(path, '');
    const { outputText } = ts.transpileModule(readFileSync(path, 'utf8'), {
      compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
    });
    const code = outputText
      .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
      .replaceAll(/require\("(\.[^"]+)\.js"\)/g, (_all, specifier: string) => {
        const inner = `${resolve(dirname(path), specifier)}.ts`;
        add(inner);
        return `load(${JSON.stringify(inner)})`;
      });
    modules.set(path, code);
  };
  add(join(root, entry));
  const bodies = [...modules].map(([path, code]) => `${JSON.stringify(path)}: (exports) => {${code}\n},`);
  return `const bodies = {${bodies.join('\n')}};
const loaded = {};
function load(path) {
  if (!loaded[path]) bodies[path]((loaded[path] = {}));
  return loaded[path];
}
load(${JSON.stringify(join(root, entry))});`;
}
