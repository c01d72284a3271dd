import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { wrapCommand } from '../src/bpmp/bridge/interposed/index.js';
import { CaptureFile, RingTransfer, TransferRing } from '../src/bpmp/capture/index.js';
import { type BridgeHandle, startBridge } from '../src/bpmp/worker/index.js';
import { addon } from '../src/native/index.js';
import { quantile, type Suite } from './suite.js';

const ROUNDS = 9;
const TRANSFERS = 20_000;
/** Of each process; a thread's code is compiled in this time. */
const WARM_UP = 4_000;
const BUSY_MS = 5;

/** CLK SET_RATE of GPC0CLK to 1 GHz: decided, forwarded, entered in the ledger; eight bytes come back. */
const REQUEST = '290000020000000000ca9a3b00000000';
const policy = `
version: 1
chip: tegra234
limit: none
clocks:
  GPC0CLK: tune
`;

const built = (name: string) => fileURLToPath(new URL(`../build/Release/${name}`, import.meta.url));
const standin = built('gpuvm-standin');
const standinArgs = [
  ...['--mrq', '22', '--payload', REQUEST, '--rx-size', '8'],
  ...['--count', String(TRANSFERS + WARM_UP), '--warm-up', String(WARM_UP)],
];

interface Latencies {
  readonly p50: number;
  readonly p99: number;
}

const ways = {
  'C supervisor': () => measureBaseline(),
  'bridge with its mediator': () => measureBridge(),
  'bridge with capture to disk': () => measureCaptured(),
  'C supervisor, main thread busy': () => whileBusy(measureBaseline),
  'bridge with its mediator, main thread busy': () => whileBusy(measureBridge),
} as const;
type Way = keyof typeof ways;

/** Whole runs of a client against each supervisor in turn, so that whatever else the machine does falls on all alike. */
export async function run(): Promise<Suite> {
  if (!existsSync(standin)) throw new Error('the addon is not built: run "npm run build:addon"');
  const names = Object.keys(ways) as Way[];
  const seen = Object.fromEntries(names.map((name) => [name, [] as Latencies[]])) as Record<Way, Latencies[]>;
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) seen[name].push(await ways[name]());
  }
  const median = (name: Way, which: keyof Latencies) =>
    quantile(
      seen[name].map((latencies) => latencies[which]),
      0.5,
    );
  const ringNs = timeOfRing();
  const ratio = (over: Way, under: Way, which: keyof Latencies, atMost: number) => ({
    label: `${over} / ${under}, ${which}`,
    value: median(over, which) / median(under, which),
    promise: { atMost },
  });
  return {
    name: 'interposed',
    what: `${TRANSFERS} transfers of one thread, ${ROUNDS} rounds; medians of the rounds' quantiles`,
    figures: names.map((label) => ({
      label,
      p50: median(label, 'p50') / 1e3,
      p99: median(label, 'p99') / 1e3,
      unit: 'µs',
      samples: TRANSFERS * ROUNDS,
    })),
    ratios: [
      {
        // The ring is always on; without recording a transfer would take this much less.
        label: `bridge with capture to disk / bridge without its ring (less ${Math.round(ringNs)} ns), p50`,
        value:
          median('bridge with capture to disk', 'p50') / (median('bridge with its mediator', 'p50') - ringNs),
        promise: { atMost: 1.1 },
      },
      ratio('bridge with capture to disk', 'C supervisor', 'p50', 1.43),
      ratio('bridge with its mediator', 'C supervisor', 'p50', 1.3),
      ratio('bridge with its mediator', 'C supervisor', 'p99', 3),
      ratio('bridge with its mediator, main thread busy', 'C supervisor, main thread busy', 'p50', 1.3),
      ratio('bridge with its mediator, main thread busy', 'C supervisor, main thread busy', 'p99', 3),
    ],
  };
}

function measureBaseline(): Promise<Latencies> {
  const { file } = wrapCommand(standin, [], { socketFd: 3 });
  return latenciesOf(spawn(built('gpuvm-baseline'), [file, standin, ...standinArgs]));
}

async function measureBridge(follow: (bridge: BridgeHandle) => void = () => {}): Promise<Latencies> {
  const [ours, theirs] = addon().socketPair();
  const handle = await startBridge({
    vm: 'bench',
    policy: { file: 'bench.yaml', text: policy },
    backend: { kind: 'simulated' },
    bridge: { kind: 'interposed', socketFd: ours },
  });
  follow(handle);
  const { file, args } = wrapCommand(standin, standinArgs, { socketFd: 3 });
  const guest = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe', theirs] });
  addon().closeFd(theirs);
  const latencies = await latenciesOf(guest);
  const { snapshot } = await handle.ended;
  if (snapshot.totals.allow < TRANSFERS)
    throw new Error('the policy of this benchmark does not let its request pass');
  return latencies;
}

/** On the disk of this checkout: the file system for temporary files is memory on many machines. */
async function measureCaptured(): Promise<Latencies> {
  const folder = await mkdtemp(built('bench-capture-'));
  const file = await CaptureFile.open(join(folder, 'bench.pcapng'), { vms: [{ name: 'bench' }] });
  let writing: Promise<void> | undefined;
  try {
    const latencies = await measureBridge((bridge) => {
      writing = (async () => {
        for await (const { blocks, records, dropped } of bridge.captured())
          await file.appendBlocks(blocks, records, dropped);
      })();
    });
    await writing;
    await file.close();
    if (file.counts.records < TRANSFERS) throw new Error('the capture of this benchmark lacks transfers');
    return latencies;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a transfer's entry in the ring takes, in ns. */
function timeOfRing(): number {
  const ring = new TransferRing();
  const transfer = new RingTransfer('bench');
  transfer.tx = Buffer.from(REQUEST, 'hex');
  transfer.rx = new Uint8Array(8);
  transfer.rule = 'bench.yaml:6 clocks.GPC0CLK';
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    for (let i = 0; i < TRANSFERS; i++) {
      transfer.atMs = start;
      ring.add(transfer);
    }
    times.push(((performance.now() - start) * 1e6) / TRANSFERS);
  }
  return quantile(times, 0.5);
}

async function latenciesOf(client: ChildProcess): Promise<Latencies> {
  let printed = '';
  client.stdout?.on('data', (chunk) => {
    printed += chunk;
  });
  client.stderr?.pipe(process.stderr);
  await once(client, 'close');
  return JSON.parse(printed) as Latencies;
}

/** Keeps this thread, the one that a VM's supervisor runs on, busy in blocks. */
async function whileBusy<Result>(measure: () => Promise<Result>): Promise<Result> {
  let isOver = false;
  const result = measure().finally(() => {
    isOver = true;
  });
  while (!isOver) {
    for (const end = performance.now() + BUSY_MS; performance.now() < end; );
    await nextTurn();
  }
  return result;
}
