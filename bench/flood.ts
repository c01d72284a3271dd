import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { wrapCommand } from '../src/bpmp/bridge/interposed/index.js';
import { type BridgeHandle, startBridge } from '../src/bpmp/worker/index.js';
import { addon } from '../src/native/index.js';
import { quantile, type Suite } from './suite.js';

const ROUNDS = 9;
const TRANSFERS = 20_000;
const WARM_UP = 4_000;
/** Of the flooding guest; more than it could send at its limit while it is watched. */
const FLOOD_THREADS = 4;
const FLOOD_MS = 1_500;
/** The default limit of a policy, with a burst that is soon used up. */
const LIMIT = { perSecond: 2_000, burst: 100 };

const standin = fileURLToPath(new URL('../build/Release/gpuvm-standin', import.meta.url));
const policy = (limit: string) => `{version: 1, limit: ${limit}, clocks: {GPC0CLK: tune}}`;
/** CLK SET_RATE of GPC0CLK to 1 GHz. */
const REQUEST = ['--mrq', '22', '--payload', '290000020000000000ca9a3b00000000', '--rx-size', '8'];

/** One guest's latency alone, and beside a guest that asks as fast as it can and is held to its limit. */
export async function run(): Promise<Suite> {
  const alone: Latencies[] = [];
  const beside: Latencies[] = [];
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    alone.push(await measure());
    const flood = await startFlood();
    beside.push(await measure());
    rates.push(await flood.stop());
  }
  const median = (of: Latencies[], which: keyof Latencies) =>
    quantile(
      of.map((one) => one[which]),
      0.5,
    );
  const figure = (label: string, of: Latencies[]) => ({
    label,
    p50: median(of, 'p50') / 1e3,
    p99: median(of, 'p99') / 1e3,
    unit: 'µs' as const,
    samples: TRANSFERS * ROUNDS,
  });
  return {
    name: 'flood',
    what: `${TRANSFERS} transfers of one guest, alone and beside one that floods from ${FLOOD_THREADS} threads, ${ROUNDS} rounds`,
    figures: [
      figure('alone', alone),
      figure('beside a flood', beside),
      {
        label: 'the flooding guest',
        p50: quantile(rates, 0.5),
        p99: quantile(rates, 0.99),
        unit: '1/s',
        samples: ROUNDS,
      },
    ],
    ratios: [
      {
        label: 'beside a flood / alone, p99',
        value: median(beside, 'p99') / median(alone, 'p99'),
        promise: { atMost: 2 },
      },
      {
        label: 'rate of the flooding guest / its limit',
        value: quantile(rates, 0.5) / LIMIT.perSecond,
        promise: { atMost: 1.05 },
      },
    ],
  };
}

interface Latencies {
  readonly p50: number;
  readonly p99: number;
}

interface Guest {
  readonly handle: BridgeHandle;
  readonly process: ChildProcess;
}

async function startGuest(limit: string, args: readonly string[]): Promise<Guest> {
  const [ours, theirs] = addon().socketPair();
  const handle = await startBridge({
    vm: 'bench',
    policy: { file: 'bench.yaml', text: policy(limit) },
    backend: { kind: 'simulated' },
    bridge: { kind: 'interposed', socketFd: ours },
  });
  const wrapped = wrapCommand(standin, [...REQUEST, ...args], { socketFd: 3 });
  const process = spawn(wrapped.file, wrapped.args, { stdio: ['ignore', 'pipe', 'inherit', theirs] });
  addon().closeFd(theirs);
  return { handle, process };
}

async function measure(): Promise<Latencies> {
  const count = ['--count', String(TRANSFERS + WARM_UP), '--warm-up', String(WARM_UP)];
  const { handle, process } = await startGuest('none', count);
  let printed = '';
  process.stdout?.on('data', (chunk) => {
    printed += chunk;
  });
  await once(process, 'close');
  await handle.ended;
  return JSON.parse(printed) as Latencies;
}

async function startFlood(): Promise<{ stop(): Promise<number> }> {
  const limit = `{perSecond: ${LIMIT.perSecond}, burst: ${LIMIT.burst}}`;
  const { handle, process } = await startGuest(limit, [
    '--count',
    '10000000',
    '--threads',
    String(FLOOD_THREADS),
  ]);
  const count = async () => {
    const { totals } = await handle.snapshot();
    return { at: performance.now(), total: totals.allow };
  };
  while ((await count()).total < 100) await new Promise((resolve) => setTimeout(resolve, 10));
  const started = await count();
  return {
    async stop() {
      const left = started.at + FLOOD_MS - performance.now();
      if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
      const ended = await count();
      process.kill('SIGKILL');
      await handle.ended;
      return ((ended.total - started.total) / (ended.at - started.at)) * 1e3;
    },
  };
}
