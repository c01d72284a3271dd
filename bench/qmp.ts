import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { QmpClient } from '../src/qmp/index.js';
import { quantile, type Suite } from './suite.js';

const ROUNDS = 15;
const COMMANDS = 2_000;
/** Of each round; code is compiled, and caches fill, in this time. */
const WARM_UP = 500;

const client = fileURLToPath(new URL('../build/Release/gpuvm-qmp-client', import.meta.url));

interface Latencies {
  readonly p50: number;
  readonly p99: number;
}

/**
 * `query-status`, one after the other, by each client in turn on the same monitor of the same QEMU, so that whatever else
 * the machine does falls on both alike.
 */
export async function run(): Promise<Suite> {
  if (!existsSync(client)) throw new Error('the addon is not built: run "npm run build:addon"');
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-bench-'));
  const path = join(folder, 'qmp');
  const qemu = spawn(
    'qemu-system-aarch64',
    ['-M', 'none', '-nodefaults', '-display', 'none', '-qmp', `unix:${path},server=on,wait=off`],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  try {
    (await QmpClient.connect({ path })).close();
    const minimal: Latencies[] = [];
    const ours: Latencies[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      minimal.push(await measureMinimal(path));
      ours.push(await measureOurs(path));
    }
    return report(minimal, ours);
  } finally {
    qemu.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

function report(minimal: readonly Latencies[], ours: readonly Latencies[]): Suite {
  const median = (rounds: readonly Latencies[], which: keyof Latencies) =>
    quantile(
      rounds.map((latencies) => latencies[which]),
      0.5,
    );
  const figure = (label: string, rounds: readonly Latencies[]) => ({
    label,
    p50: median(rounds, 'p50') / 1e3,
    p99: median(rounds, 'p99') / 1e3,
    unit: 'µs' as const,
    samples: COMMANDS * ROUNDS,
  });
  const ratio = (which: keyof Latencies, atMost: number) => ({
    label: `QmpClient / minimal C client, ${which}`,
    value: median(ours, which) / median(minimal, which),
    promise: { atMost },
  });
  return {
    name: 'qmp',
    what: `${COMMANDS} times query-status, ${ROUNDS} rounds; medians of the rounds' quantiles`,
    figures: [figure('minimal C client', minimal), figure('QmpClient', ours)],
    ratios: [ratio('p50', 1.3)],
  };
}

async function measureMinimal(path: string): Promise<Latencies> {
  const { stdout } = await promisify(execFile)(client, [path, String(COMMANDS), String(WARM_UP)]);
  return JSON.parse(stdout) as Latencies;
}

async function measureOurs(path: string): Promise<Latencies> {
  const qmp = await QmpClient.connect({ path });
  const took: number[] = [];
  for (let i = -WARM_UP; i < COMMANDS; i++) {
    const start = process.hrtime.bigint();
    await qmp.execute('query-status');
    const ns = Number(process.hrtime.bigint() - start);
    if (i >= 0) took.push(ns);
  }
  qmp.close();
  return { p50: quantile(took, 0.5), p99: quantile(took, 0.99) };
}
