import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadVmFile } from '../src/config/index.js';
import { qemuArguments } from '../src/qemu/index.js';
import { QmpClient } from '../src/qmp/index.js';
import { quantile, type Suite } from './suite.js';

const ROUNDS = 21;
const MOST_ABOVE_QEMU_MS = 200;
const path = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const program = path('dist/cli/main.cjs');
const vmFile = path('examples/simulated-orin.yaml');

/** The whole way to a monitor that answers and a guest that runs: `gpuvm run`, and the same QEMU by itself. */
export async function run(): Promise<Suite> {
  if (!existsSync(program)) throw new Error('dist/ is not built: run "npm run build:dist"');
  const times = { alone: [] as number[], gpuvm: [] as number[] };
  // The first round fills the page cache and is not counted.
  for (let round = -1; round < ROUNDS; round++) {
    const [alone, gpuvm] = [await timeQemuMs(), await timeGpuvmMs()];
    if (round < 0) continue;
    times.alone.push(alone);
    times.gpuvm.push(gpuvm);
  }
  const figure = (label: string, samples: readonly number[]) =>
    ({
      label,
      p50: quantile(samples, 0.5),
      p99: quantile(samples, 0.99),
      unit: 'ms',
      samples: ROUNDS,
    }) as const;
  return {
    name: 'launch',
    what: `${ROUNDS} starts of each, interleaved, from the program's start to QMP ready and the guest let go`,
    figures: [
      figure('QEMU alone, without bridge', times.alone),
      figure('gpuvm run, vfio-user bridge', times.gpuvm),
    ],
    ratios: [
      {
        label: 'gpuvm run above QEMU alone, ms (medians)',
        value: quantile(times.gpuvm, 0.5) - quantile(times.alone, 0.5),
        promise: { atMost: MOST_ABOVE_QEMU_MS },
      },
    ],
  };
}

async function timeQemuMs(): Promise<number> {
  const config = await loadVmFile(vmFile);
  const folder = await mkdtemp(join(tmpdir(), 'gpuvm-bench-'));
  const qmpPath = join(folder, 'qmp');
  const start = performance.now();
  const qemu = spawn(config.qemu.binary, qemuArguments(config, { qmpPath }), {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  try {
    const qmp = await QmpClient.connect({ path: qmpPath });
    await qmp.execute('cont');
    const took = performance.now() - start;
    qmp.close();
    return took;
  } finally {
    await killed(qemu);
    await rm(folder, { recursive: true, force: true });
  }
}

async function timeGpuvmMs(): Promise<number> {
  const start = performance.now();
  const gpuvm = spawn(process.execPath, [program, 'run', vmFile, '--verbose'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    let said = '';
    for await (const chunk of gpuvm.stderr!.setEncoding('utf8')) {
      said += chunk;
      if (said.includes('state: running')) return performance.now() - start;
    }
    throw new Error(`gpuvm run ended before the VM ran: ${said}`);
  } finally {
    await ended(gpuvm);
  }
}

/** Down the stop ladder at once: each further signal is the next rung. */
async function ended(gpuvm: ChildProcess): Promise<void> {
  gpuvm.stderr?.resume();
  const again = setInterval(() => gpuvm.kill('SIGINT'), 20);
  if (gpuvm.exitCode === null && gpuvm.signalCode === null) await once(gpuvm, 'exit');
  clearInterval(again);
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
