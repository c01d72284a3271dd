import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type ControlClient, findVm } from '../../../src/control/index.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const BOOT_MS = 120_000;

/** What its shell is told: a driver's life and an attacker's, over and over, now faster and now slower. */
const WORK =
  'while :; do for pause in 0.1 0.5 0.2 1 0.3 0.1 0.1 0.7; do bpmp-demo >/dev/null; sleep $pause; done; done';

/** examples/simulated-orin.yaml at work: a Linux guest that goes on asking its BPMP. */
export class BusyVm {
  readonly name = 'simulated-orin';
  /** For programs that are to find it. */
  readonly env: Readonly<Record<string, string>>;
  readonly #process: ChildProcess;
  readonly #client: ControlClient;

  private constructor(env: Record<string, string>, process: ChildProcess, client: ControlClient) {
    this.env = env;
    this.#process = process;
    this.#client = client;
  }

  static async start(folder: string): Promise<BusyVm> {
    const env = { GPUVM_RUNTIME_DIR: join(folder, 'run') };
    await mkdir(env.GPUVM_RUNTIME_DIR);
    const example = await readFile(join(root, 'examples/simulated-orin.yaml'), 'utf8');
    const file = join(folder, 'simulated-orin.yaml');
    // A shell instead of one walk through the demo.
    const text = example
      .replace('rdinit=/init', 'rdinit=/init gpuvm.shell')
      .replace('policies/', join(root, 'examples/policies/'));
    await writeFile(file, text);
    const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', 'run', file], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
    const start = performance.now();
    while (!said.includes('/ # ')) {
      if (child.exitCode !== null || performance.now() - start > BOOT_MS) {
        child.kill('SIGKILL');
        throw new Error(`the guest has no shell:\n${said}`);
      }
      await sleep(100);
    }
    const client = await findVm('simulated-orin', env);
    await client.type(Buffer.from(`${WORK}\n`));
    return new BusyVm(env, child, client);
  }

  /** Once it is gone, nothing. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    await this.#client.stop({ now: true, wait: true }).catch(() => this.#process.kill('SIGKILL'));
  }
}
