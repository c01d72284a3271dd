import type { IncomingMessage, ServerResponse } from 'node:http';
import { askBpmp } from './bpmp-requests.js';
import { streamCapture } from './capture-stream.js';
import type { Follower, FollowerOptions } from './follower.js';
import { runQmp } from './qmp-route.js';
import { Refusal } from './refusal.js';
import { flagOf, readFields } from './request.js';
import { streamConsole, streamEvents, streamLogs, typeInto } from './streams.js';
import type { ControlledVm } from './vm.js';
import { within } from './within.js';

export type Method = 'GET' | 'POST';

/** One request on its way to an answer. */
export interface Exchange {
  readonly vm: ControlledVm;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** Resolves once everything of the VM has ended: the socket is about to go. */
  readonly ended: Promise<void>;
  /** Takes a place among the connections that stay open; throws where there is none left. */
  stay(): void;
  /** Where the answer goes that is sent as things happen. */
  follow(limits: FollowerOptions): Follower;
  json(status: number, body: unknown): void;
}

export interface Route {
  readonly method: Method;
  readonly path: string;
  /** For people who ask for the list. */
  readonly what: string;
  answer(exchange: Exchange): void | Promise<void>;
}

/** The bridge's thread answers between two requests; longer, and it is stuck. */
const BRIDGE_MS = 5_000;

/** Everything that can be asked of a VM. */
export const routes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1',
    what: 'this list',
    answer: ({ vm, query, json }) => {
      refuseParameters(query);
      json(200, {
        name: vm.name,
        api: 1,
        routes: routes.map(({ method, path, what }) => ({ method, path, what })),
      });
    },
  },
  {
    method: 'GET',
    path: '/v1/status',
    what: 'its state, processes, restarts and totals',
    answer: async ({ vm, query, json }) => {
      refuseParameters(query);
      json(200, await within(vm.status(), 'the status'));
    },
  },
  {
    method: 'GET',
    path: '/v1/bpmp',
    what: "its bridge: the guest's requests by MRQ and verdict, denials, what it holds, the rate limit",
    answer: async ({ vm, query, json }) => {
      refuseParameters(query);
      if (vm.bpmp === undefined) throw new Refusal(404, `${vm.name} tells nothing of its BPMP`);
      json(200, await within(vm.bpmp(), "the bridge's answer", BRIDGE_MS));
    },
  },
  {
    method: 'POST',
    path: '/v1/bpmp/requests',
    what: 'ask its BPMP as its guest would, NDJSON: {"mrq", "tx"} a line, {"ret", "rx", "verdict", "rule"} back',
    answer: askBpmp,
  },
  {
    method: 'GET',
    path: '/v1/capture',
    what: "the guest's transfers as pcapng, those that are kept: ?follow, ?recent=N",
    answer: streamCapture,
  },
  {
    method: 'GET',
    path: '/v1/metrics',
    what: 'the same and more for Prometheus: text, or OpenMetrics where that is asked for',
    answer: sendMetrics,
  },
  {
    method: 'POST',
    path: '/v1/stop',
    what: 'end it: {"wait": true} answers when all has ended, {"now": true} does not ask the guest first',
    answer: stop,
  },
  { method: 'POST', path: '/v1/pause', what: 'halt its CPUs', answer: (exchange) => act(exchange, 'pause') },
  {
    method: 'POST',
    path: '/v1/resume',
    what: 'let them go on',
    answer: (exchange) => act(exchange, 'resume'),
  },
  {
    method: 'POST',
    path: '/v1/reset',
    what: 'press its reset button',
    answer: (exchange) => act(exchange, 'reset'),
  },
  {
    method: 'POST',
    path: '/v1/qmp',
    what: 'execute a QMP command: {"execute", "arguments", "deadlineMs"}',
    answer: runQmp,
  },
  {
    method: 'GET',
    path: '/v1/events',
    what: 'what happened, as NDJSON: ?follow, ?recent=N, ?since=TIME',
    answer: streamEvents,
  },
  { method: 'GET', path: '/v1/logs', what: "QEMU's lines and ours: ?follow, ?recent=N", answer: streamLogs },
  {
    method: 'GET',
    path: '/v1/console',
    what: 'what the guest says, as it comes: ?recent=BYTES, ?follow=false; Upgrade: gpuvm-console goes both ways',
    answer: streamConsole,
  },
  { method: 'POST', path: '/v1/console', what: "type the body's bytes into the console", answer: typeInto },
];

async function sendMetrics({ vm, request, response, query }: Exchange): Promise<void> {
  refuseParameters(query);
  if (vm.metrics === undefined) throw new Refusal(404, `${vm.name} has no metrics`);
  const { contentType, body } = await within(vm.metrics(request.headers.accept), 'metrics', BRIDGE_MS);
  response.writeHead(200, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(body);
}

async function act({ vm, request, json }: Exchange, what: 'pause' | 'resume' | 'reset'): Promise<void> {
  await readFields(request, []);
  await within(vm[what](), what);
  json(200, await within(vm.status(), 'the status'));
}

/** States in which the VM is on its way down already. */
const STOPPING = 'stopping';
const STATE_MS = 500;
const HOOKS_MS = 1_000;
const POLL_MS = 20;

async function stop({ vm, request, ended, stay, json }: Exchange): Promise<void> {
  const fields = await readFields(request, ['wait', 'now']);
  const wait = flagOf(fields, 'wait');
  const now = flagOf(fields, 'now');
  if (wait) stay();
  if (now) await stopNow(vm);
  else vm.stop();
  if (wait) await ended;
  json(wait ? 200 : 202, await within(vm.status(), 'the status'));
}

/**
 * Goes on to the next rung of the stop ladder, or past its first one, which asks the guest. What comes before the ladder,
 * hooks say, has a moment, and is hurried on by a call of its own.
 */
async function stopNow(vm: ControlledVm): Promise<void> {
  const before = await stateOf(vm);
  vm.stop();
  if (before === STOPPING) return;
  if (!(await comesToStopping(vm))) {
    vm.stop();
    await comesToStopping(vm);
  }
  vm.stop();
}

async function comesToStopping(vm: ControlledVm): Promise<boolean> {
  const start = performance.now();
  while (performance.now() - start < HOOKS_MS) {
    const state = await stateOf(vm);
    if (state === undefined || state === STOPPING) return state !== undefined;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return false;
}

/** A VM whose status hangs can be stopped all the same. */
async function stateOf(vm: ControlledVm): Promise<string | undefined> {
  try {
    return (await within(vm.status(), 'the status', STATE_MS)).state;
  } catch {
    return undefined;
  }
}

function refuseParameters(query: URLSearchParams): void {
  for (const [key] of query)
    throw new Refusal(400, `this takes no parameter ${JSON.stringify(key.slice(0, 80))}`);
}
