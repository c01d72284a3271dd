import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { type HandOver, wrapCommand } from '../../../../../src/bpmp/bridge/interposed/index.js';
import { addon } from '../../../../../src/native/index.js';
import { startTypeScriptThread } from './thread.js';
import type { WorkerResult, WorkerSetup } from './worker.js';

/** A bridge in a thread of its own. */
export interface BridgeThread {
  /** What it ended with. */
  readonly result: Promise<WorkerResult>;
  /** Settles when the guest has made a request. */
  serving(): Promise<void>;
  handOver(): Promise<HandOver>;
  close(): void;
  /** Ends the thread without its doing. */
  terminate(): void;
  wasTerminated(): boolean;
}

export function startBridgeThread(setup: WorkerSetup): BridgeThread {
  const controlFd = addon().eventfdCreate();
  const worker = startTypeScriptThread(new URL('./worker.ts', import.meta.url), { controlFd, setup });
  let wasTerminated = false;
  const tell = (message: string): void => {
    worker.postMessage(message);
    addon().eventfdSignal(controlFd);
  };
  const result = new Promise<WorkerResult>((resolve, reject) => {
    worker.on('message', (message) => message.result && resolve(message.result));
    worker.on('error', reject);
    worker.on('exit', () => {
      addon().closeFd(controlFd);
      reject(new Error('the bridge thread ended without a result'));
    });
  });
  const ask = <Answer>(what: 'handOver' | 'stats') =>
    new Promise<Answer>((resolve) => {
      const onMessage = (message: Record<string, unknown>): void => {
        if (message[what] === undefined) return;
        worker.off('message', onMessage);
        resolve(message[what] as Answer);
      };
      worker.on('message', onMessage);
      tell(what);
    });
  return {
    result,
    handOver: () => ask<HandOver>('handOver'),
    close: () => tell('close'),
    terminate() {
      wasTerminated = true;
      worker.terminate();
    },
    wasTerminated: () => wasTerminated,
    async serving() {
      while ((await ask<Record<string, number>>('stats')).requests === 0) await wait(20);
    },
  };
}

export interface Guest {
  readonly child: ChildProcess;
  readonly bridge: BridgeThread;
  /** What it printed and ended with. */
  readonly exited: Promise<{ stdout: string; stderr: string; code: number | null; signal: string | null }>;
}

export interface GuestOptions extends Omit<WorkerSetup, 'socketFd' | 'takeOver'> {
  readonly env?: Record<string, string>;
}

/** Starts a program behind the exec wrapper, and the bridge that serves it. */
export function startGuest(program: string, args: readonly string[], options: GuestOptions): Guest {
  const { env, ...setup } = options;
  const [ours, theirs] = addon().socketPair();
  const { file, args: words } = wrapCommand(program, args, { socketFd: 3, oldKernel: setup.oldKernel });
  const bridge = startBridgeThread({ ...setup, socketFd: ours });
  const child = spawn(file, words, {
    stdio: ['ignore', 'pipe', 'pipe', theirs],
    env: { ...process.env, ...env },
  });
  addon().closeFd(theirs);
  // Without a bridge the wrapper would wait for its acknowledgement for ever.
  bridge.result.catch(() => bridge.wasTerminated() || child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => (stdout += chunk));
  child.stderr?.on('data', (chunk) => (stderr += chunk));
  const exited = new Promise<Awaited<Guest['exited']>>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ stdout, stderr, code, signal }));
  });
  return { child, bridge, exited };
}
