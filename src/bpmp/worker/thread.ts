import { Worker } from 'node:worker_threads';
import { addon } from '../../native/index.js';
import type { FromWorker, ToWorker, WorkerData } from './messages.js';
import { StateMemory } from './state-memory.js';

/**
 * A bridge's thread as it loads and then serves. It may be begun before anybody knows what it will serve: what it is
 * made of takes longer to load than a VM file to be read.
 */
export class BridgeThread {
  readonly #worker: Worker;
  readonly #controlFd: number;
  #state: StateMemory;
  #stateFd: number;
  #isGone = false;
  /** Settles once, when the thread is gone, with what it failed with if it failed; never rejects. */
  readonly exited: Promise<string | undefined>;

  constructor() {
    this.#controlFd = addon().eventfdCreate();
    const { state, fd } = StateMemory.create();
    this.#state = state;
    this.#stateFd = fd;
    this.#worker = startWorker({ controlFd: this.#controlFd });
    this.#worker.unref();
    let fault: string | undefined;
    this.#worker.on('error', (error) => {
      fault = error instanceof Error ? error.message : String(error);
    });
    this.exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#isGone = true;
        addon().closeFd(this.#controlFd);
        addon().closeFd(this.#stateFd);
        resolve(fault);
      });
    });
  }

  /** What the thread writes to as it changes, for those who outlive it. */
  get state(): StateMemory {
    return this.#state;
  }

  /** Its descriptor; open as long as the thread is there. */
  get stateFd(): number {
    return this.#stateFd;
  }

  /** Goes on with the state of a former thread; the descriptor becomes this one's. */
  adoptState(fd: number): void {
    this.#state = new StateMemory(fd);
    addon().closeFd(this.#stateFd);
    this.#stateFd = fd;
  }

  post(message: ToWorker): void {
    if (this.#isGone) return;
    // From now on somebody waits for what it has to say.
    this.#worker.ref();
    this.#worker.postMessage(message);
    addon().eventfdSignal(this.#controlFd);
  }

  onMessage(listener: (message: FromWorker) => void): void {
    this.#worker.on('message', listener);
  }

  /** Ends a thread that was never told what to serve. */
  abandon(): void {
    void this.#worker.terminate();
  }
}

/**
 * From source the thread needs the TypeScript loader, which it registers itself: Node 20 drops `--import` from a thread's
 * arguments where the parent runs by a loader too.
 */
function startWorker(workerData: WorkerData): Worker {
  // Descriptors come and go through the addon, which Node's own bookkeeping of a thread's does not see.
  const options = { workerData, trackUnmanagedFds: false };
  if (!import.meta.url.endsWith('.ts')) {
    // In a bundle of the commands, the thread is one file of its own beside them.
    const entry = import.meta.url.endsWith('.cjs') ? './entry.cjs' : './entry.js';
    return new Worker(new URL(entry, import.meta.url), options);
  }
  const [loader, entry] = [import.meta.resolve('tsx/esm/api'), new URL('./entry.ts', import.meta.url).href];
  const source = `import { register } from '${loader}'; register(); await import('${entry}');`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
    ...options,
    execArgv: [],
  });
}
