import { readFileSync } from 'node:fs';
import { loadPolicy } from '../src/bpmp/policy/index.js';
import { tegra234 } from '../src/bpmp/tegra234/index.js';
import { classify, decodeRequest, newShape } from '../src/bpmp/wire/index.js';
import { quantile, type Suite } from './suite.js';

const ROUNDS = 60;

interface Request {
  readonly mrq: number;
  readonly tx: Uint8Array;
}

/** Decode and policy alone, over every request that a Linux guest sent at boot, in its order, on one core. */
export async function run(): Promise<Suite> {
  const policy = (
    await loadPolicy(new URL('../examples/policies/gpu.yaml', import.meta.url).pathname)
  ).compile();
  const requests = readTrace('boot-window').concat(readTrace('boot-ivc'));
  const shape = newShape();
  const decide = () => {
    let allowed = 0;
    for (const { mrq, tx } of requests) {
      if (policy.decide(classify(mrq, tx, shape), tx).verdict === 'allow') allowed++;
    }
    return allowed;
  };
  const decodeNamed = () => {
    let decoded = 0;
    for (const { mrq, tx } of requests) if (decodeRequest(mrq, tx, tegra234)) decoded++;
    return decoded;
  };
  const [perDecision, perNamed] = [decide, decodeNamed].map((work) => time(work, requests.length));
  return {
    name: 'decide',
    what: `${requests.length} requests of two Linux boots, ${ROUNDS} rounds; the time of one request in each round`,
    figures: [
      { label: 'classify + policy', ...summary(perDecision), unit: 'ns' },
      { label: 'the same request decoded by names', ...summary(perNamed), unit: 'ns' },
    ],
    ratios: [
      {
        label: 'classify + policy, requests a second (median)',
        value: 1e9 / quantile(perDecision, 0.5),
        promise: { atLeast: 1_000_000 },
      },
    ],
  };
}

function readTrace(name: string): Request[] {
  const text = readFileSync(new URL(`../test/data/traces/${name}.ndjson`, import.meta.url), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { mrq: number; tx: string })
    .map(({ mrq, tx }) => ({ mrq, tx: Uint8Array.from(Buffer.from(tx, 'hex')) }));
}

/** Nanoseconds for each request, one value a round; the first rounds are for the compiler and do not count. */
function time(work: () => number, size: number): number[] {
  const samples: number[] = [];
  for (let round = -10; round < ROUNDS; round++) {
    const started = process.hrtime.bigint();
    if (work() < 0) throw new Error('unreachable');
    const ns = Number(process.hrtime.bigint() - started) / size;
    if (round >= 0) samples.push(ns);
  }
  return samples;
}

function summary(samples: readonly number[]) {
  return { p50: quantile(samples, 0.5), p99: quantile(samples, 0.99), samples: samples.length };
}
