import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { quantile, type Suite } from './suite.js';

const ROUNDS = 41;
const MOST_ABOVE_NODE_MS = 60;
const main = fileURLToPath(new URL('../dist/cli/main.cjs', import.meta.url));

const programs = {
  'node -e 0': ['-e', '0'],
  'gpuvm --version': [main, '--version'],
  'gpuvm --help': [main, '--help'],
} as const;
type Program = keyof typeof programs;

/** Whole processes from start to end, interleaved, so that whatever else the machine does falls on all alike. */
export async function run(): Promise<Suite> {
  if (!existsSync(main)) throw new Error('dist/ is not built: run "npm run build:dist"');
  const names = Object.keys(programs) as Program[];
  const times: Record<Program, number[]> = { 'node -e 0': [], 'gpuvm --version': [], 'gpuvm --help': [] };
  // The first round fills the page cache and is not counted.
  for (let round = -1; round < ROUNDS; round++) {
    for (const name of names) {
      const took = timeMs(programs[name]);
      if (round >= 0) times[name].push(took);
    }
  }
  const above = (name: Program) => quantile(times[name], 0.5) - quantile(times['node -e 0'], 0.5);
  return {
    name: 'startup',
    what: `${ROUNDS} processes of each, interleaved, from start to end`,
    figures: names.map((label) => ({
      label,
      p50: quantile(times[label], 0.5),
      p99: quantile(times[label], 0.99),
      unit: 'ms',
      samples: ROUNDS,
    })),
    ratios: [
      {
        label: 'gpuvm --help above node -e 0, ms (medians)',
        value: above('gpuvm --help'),
        promise: { atMost: MOST_ABOVE_NODE_MS },
      },
    ],
  };
}

function timeMs(args: readonly string[]): number {
  const start = process.hrtime.bigint();
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' });
  const end = process.hrtime.bigint();
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}`);
  return Number(end - start) / 1e6;
}
