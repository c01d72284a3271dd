import { PassThrough, Writable } from 'node:stream';
import { readCapture } from '../src/bpmp/capture/index.js';
import { run as trace } from '../src/cli/bpmp/trace.js';
import { Output } from '../src/cli/output.js';
import { settledMemory } from '../test/support/settled-memory.js';
import { capture } from './million.js';
import type { Figure, Suite } from './suite.js';

const MILLION = 1_000_000;
const SELECTIVE = 'bpmp.clk.name contains "PLL" && bpmp.verdict == "deny"';
const COMMON = 'bpmp.verdict == "deny"';

/** `gpuvm bpmp trace` on a million records as they are made: read alone, with filters, and with every line printed. */
export async function run(): Promise<Suite> {
  await read(MILLION / 10);
  const alone = await timed(() => read(MILLION));
  const filters = [COMMON, SELECTIVE, 'bpmp.rule matches "shared" || bpmp.latency > 61us'];
  const filtered: Figure[] = [];
  let slowest = 0;
  for (const filter of filters) {
    const { ms, shown } = await traced(MILLION, { filter });
    if (shown === 0) throw new Error(`nothing matches ${filter}`);
    slowest = Math.max(slowest, ms);
    filtered.push(figure(`${filter} (${shown} lines)`, ms));
  }
  const whole = await traced(MILLION, {});
  if (whole.shown !== MILLION) throw new Error(`${whole.shown} of ${MILLION} lines were printed`);
  const grown = await memory();
  return {
    name: 'trace',
    what: `${MILLION} records as they are made, once each`,
    figures: [figure('read and not looked at', alone), ...filtered, figure('every line printed', whole.ms)],
    ratios: [
      { label: 'a million records through a filter, s', value: slowest / 1000, promise: { atMost: 8 } },
      { label: 'a million lines, s', value: whole.ms / 1000, promise: { atMost: 15 } },
      { label: 'memory at the end / after a tenth', value: grown, promise: { atMost: 1.1 } },
    ],
  };
}

async function read(count: number): Promise<void> {
  let found = 0;
  for await (const batch of readCapture(capture(count))) found += batch.length;
  if (found !== count) throw new Error(`${found} of ${count} records were read`);
}

/** The command itself, with what it prints counted. */
async function traced(
  count: number,
  options: Readonly<Record<string, unknown>>,
  onLines: (lines: number) => void = () => {},
) {
  let shown = 0;
  const counting = new Writable({
    write(chunk: Buffer, _encoding, done) {
      for (const byte of chunk) if (byte === 0x0a) shown++;
      onLines(shown);
      done();
    },
  });
  const ms = await timed(async () => {
    const stdin = capture(count) as unknown as PassThrough;
    const context = { stdin, stdout: new Output(counting), stderr: new Output(new PassThrough()) };
    await trace({ args: ['-'], options }, { ...context, json: false, verbose: false });
  });
  return { ms, shown };
}

/** What is in use when all lines were printed, over what was after a tenth of them. */
async function memory(): Promise<number> {
  let early = 0;
  await traced(MILLION / 2, {}, (lines) => {
    if (early === 0 && lines > MILLION / 20) early = settledMemory();
  });
  return settledMemory() / early;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function figure(label: string, ms: number): Figure {
  return { label, p50: ms, p99: ms, unit: 'ms', samples: 1 };
}
