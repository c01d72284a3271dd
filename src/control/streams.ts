import type { FollowerOptions } from './follower.js';
import { toJson } from './json.js';
import { Refusal } from './refusal.js';
import { flagOf, readQuery } from './request.js';
import type { Exchange } from './routes.js';
import type { VmConsole } from './vm.js';

/** What waits for a slow reader of lines, in bytes. */
const LINES_BYTES = 1024 * 1024;

type Query = ReturnType<typeof readQuery>;

export function streamEvents(exchange: Exchange): void {
  const { vm, query } = exchange;
  const fields = readQuery(query, ['follow', 'recent', 'since']);
  const since = timeOf(fields);
  const kept = (vm.recentEvents() as readonly { readonly time?: unknown }[]).filter(
    ({ time }) => since === undefined || !(Date.parse(String(time)) <= since),
  );
  const gap = (events: number) => lineOf({ event: 'dropped', time: new Date().toISOString(), events });
  stream(exchange, {
    type: 'application/x-ndjson',
    recent: last(kept, fields).map(lineOf),
    follow: flagOf(fields, 'follow'),
    subscribe: (push) => vm.onEvent((event) => push(lineOf(event))),
    limits: { maxBytes: LINES_BYTES, gap },
  });
}

export function streamLogs(exchange: Exchange): void {
  const { vm, query } = exchange;
  const fields = readQuery(query, ['follow', 'recent']);
  const gap = (lines: number) => `… ${lines} lines not shown, because they were not read in time\n`;
  stream(exchange, {
    type: 'text/plain; charset=utf-8',
    recent: last(vm.logs(), fields).map((line) => `${line}\n`),
    follow: flagOf(fields, 'follow'),
    subscribe: (push) => vm.onLog((line) => push(`${line}\n`)),
    limits: { maxBytes: LINES_BYTES, gap },
  });
}

export function streamConsole(exchange: Exchange): void {
  const { vm, query } = exchange;
  const fields = readQuery(query, ['follow', 'recent']);
  stream(exchange, {
    type: 'application/octet-stream',
    recent: [recentConsole(vm.console, fields)],
    follow: fields.follow === undefined || flagOf(fields, 'follow'),
    subscribe: (push) => vm.console.subscribe(push),
    limits: consoleLimits,
  });
}

/** Types the body into the console, as fast as the guest takes it. */
export async function typeInto({ vm, request, query, stay, json }: Exchange): Promise<void> {
  readQuery(query, []);
  stay();
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    await vm.console.write(chunk);
  }
  json(200, { bytes });
}

/** What waits of the console is twice what is kept of it: the recent part, and as much again. */
export const consoleLimits: FollowerOptions = {
  maxBytes: 512 * 1024,
  // Said in the stream itself, on a line of its own.
  gap: (_chunks, bytes) =>
    `\r\n[gpuvm: ${bytes} bytes of the console are missing here, because they were not read in time]\r\n`,
};

/** The console's last bytes, all that are kept unless `recent` says how many. */
export function recentConsole(console: VmConsole, fields: Query): Uint8Array {
  const kept = console.recent();
  return kept.subarray(kept.length - Math.min(countOf(fields, kept.length), kept.length));
}

interface Stream {
  readonly type: string;
  readonly recent: readonly (Uint8Array | string)[];
  readonly follow: boolean;
  subscribe(push: (chunk: Uint8Array | string) => void): () => void;
  readonly limits: FollowerOptions;
}

/** Answers with what was, and where that is wanted with what comes, until the reader goes or the VM has ended. */
function stream({ response, ended, stay, follow }: Exchange, what: Stream): void {
  if (what.follow) stay();
  response.writeHead(200, { 'content-type': what.type, 'cache-control': 'no-store', connection: 'close' });
  // Whoever waits for what comes is to know at once that it will.
  response.flushHeaders();
  const follower = follow(what.limits);
  for (const chunk of what.recent) follower.push(chunk);
  if (!what.follow) {
    follower.end();
    return;
  }
  const unsubscribe = what.subscribe((chunk) => follower.push(chunk));
  response.once('close', unsubscribe);
  void ended.then(() => {
    unsubscribe();
    follower.end();
  });
}

function lineOf(event: object): string {
  return `${toJson(event)}\n`;
}

function last<T>(items: readonly T[], fields: Query): readonly T[] {
  const count = countOf(fields, items.length);
  return count === 0 ? [] : items.slice(-count);
}

function countOf({ recent }: Query, all: number): number {
  if (recent === undefined || recent === true) return all;
  if (typeof recent !== 'number')
    throw new Refusal(400, 'recent must be a number, how much of what was before is sent');
  return recent;
}

function timeOf({ since }: Query): number | undefined {
  if (since === undefined) return undefined;
  const time = Date.parse(String(since));
  if (Number.isNaN(time)) throw new Refusal(400, 'since must be a time such as 2026-01-31T12:00:00Z');
  return time;
}
