/** A thread with an interposed bridge and a handler for tests. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { BridgeEnd, Control } from '../../../../../src/bpmp/bridge/bridge.js';
import { type HandOver, InterposedBridge } from '../../../../../src/bpmp/bridge/interposed/index.js';
import { addon } from '../../../../../src/native/index.js';
import { type HandlerName, handlers } from './handlers.js';

export interface WorkerSetup {
  readonly handler: HandlerName;
  readonly socketFd?: number;
  readonly takeOver?: HandOver;
  readonly oldKernel?: boolean;
  readonly deadlineMs?: number;
  readonly maxInFlight?: number;
}

export interface WorkerResult {
  readonly end: BridgeEnd;
  readonly stats: Record<string, number>;
  readonly report: Record<string, unknown>;
}

const { controlFd, setup } = workerData as { controlFd: number; setup: WorkerSetup };
const port = parentPort!;
const handler = handlers[setup.handler]();
const control: Control = {
  fd: controlFd,
  drain() {
    addon().eventfdDrain(controlFd);
    for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
      if (got.message === 'close') bridge.close();
      if (got.message === 'stats') port.postMessage({ stats: bridge.stats() });
      if (got.message === 'handOver') port.postMessage({ handOver: bridge.handOver() });
    }
  },
};
const { socketFd = -1, takeOver, ...rest } = setup;
const source = takeOver === undefined ? { socketFd } : { takeOver };
const bridge = new InterposedBridge({ ...rest, ...source, handler, control });
const end = await bridge.serve();
port.postMessage({ result: { end, stats: bridge.stats(), report: handler.report() } satisfies WorkerResult });
