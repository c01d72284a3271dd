import { EventEmitter } from 'node:events';
import { GpuvmError } from '../../errors.js';
import { addon } from '../../native/index.js';
import type { DenialEvent, RecentDecision, ReleaseReport, TransferRecord } from '../mediator/index.js';
import type { NamedFd } from './config.js';
import { closeAll, STATE_FD } from './descriptors.js';
import type { HandOver } from './hand-over.js';
import { decisionsIn } from './last-decisions.js';
import type {
  BridgeEnded,
  BridgeMeasurements,
  BridgeReady,
  BridgeSnapshot,
  Question,
  ToWorker,
} from './messages.js';
import type { BridgeThread } from './thread.js';

interface BridgeEvents {
  /** In order; `dropped` counts those that were lost before this batch because nobody kept up. */
  transfers: [records: readonly TransferRecord[], dropped: number];
  denial: [denial: DenialEvent];
  /**
   * What a successor would need has changed: the whole list, to be kept where it outlives this process. The descriptors
   * are open until the next such event, or the bridge's end; `fds` has the present ones.
   */
  'fds-changed': [fds: readonly NamedFd[]];
  /** With `keepListening`: one guest is gone, the bridge goes on. */
  'guest-ended': [ended: BridgeEnded];
}

/** The main thread's end of one VM's bridge. */
export class BridgeHandle extends EventEmitter<BridgeEvents> {
  readonly ready: BridgeReady;
  /** Settles once, when the bridge serves no more; never rejects. */
  readonly ended: Promise<BridgeEnded>;
  readonly #post: (message: ToWorker) => void;
  readonly #answers = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  #nextId = 0;
  #isEnded = false;

  readonly #thread: BridgeThread;
  #fds: readonly NamedFd[] = [];

  /** @internal Use `startBridge`. */
  constructor(
    ready: BridgeReady,
    ended: Promise<BridgeEnded>,
    thread: BridgeThread,
    taken: readonly NamedFd[],
  ) {
    super();
    this.#fds = taken;
    this.ready = ready;
    this.#thread = thread;
    this.#post = (message) => thread.post(message);
    this.ended = ended.finally(() => {
      this.#isEnded = true;
      closeAll(this.#fds);
      this.#fds = [];
      const error = new GpuvmError('GPUVM_BRIDGE_CLOSED', 'the bridge has ended');
      for (const answer of this.#answers.values()) answer.reject(error);
      this.#answers.clear();
    });
  }

  /** Counters, latencies and what the guest holds, as of now. */
  snapshot(): Promise<BridgeSnapshot> {
    return this.#ask({ what: 'snapshot' }) as Promise<BridgeSnapshot>;
  }

  /** The same with all that metrics are made of; undefined as long as no guest is served. */
  measurements(): Promise<BridgeMeasurements | undefined> {
    return this.#ask({ what: 'measurements' }) as Promise<BridgeMeasurements | undefined>;
  }

  /** The simulated BPMP's state; undefined with another backend. */
  backendState(): Promise<unknown> {
    return this.#ask({ what: 'backend-state' });
  }

  /**
   * Makes a zone of the simulated BPMP warmer or colder, in millicelsius. Rejects with GPUVM_REQUEST where there is no
   * such zone, or another backend.
   */
  async setTemperature(zone: string, millicelsius: number): Promise<void> {
    await this.#ask({ what: 'set-temperature', zone, millicelsius });
  }

  /**
   * Tells it that the guest was reset: what the guest held is given back, and what it asks meanwhile waits for that. Its
   * counters and its rate stay.
   */
  guestReset(): Promise<ReleaseReport> {
    return this.#ask({ what: 'guest-reset' }) as Promise<ReleaseReport>;
  }

  /** The last decisions, the oldest first. The thread is not asked: it may be stuck. */
  async recent(): Promise<RecentDecision[]> {
    return decisionsIn(this.#thread);
  }

  /**
   * Names the process that the guest lives in. As long as it lives nobody but its supervisor gives back what the guest
   * holds, also when the supervisor is dead.
   */
  guestProcess(pid: number): void {
    if (!this.#isEnded) this.#post({ type: 'guest-process', pid });
  }

  /** What a successor would need as things are, beside the state memory's; see the event `fds-changed`. */
  get fds(): readonly NamedFd[] {
    return this.#isEnded ? [] : [...this.#fds, { name: STATE_FD, fd: this.#thread.stateFd }];
  }

  /**
   * Passes the guest on: what is under way is answered within the deadline, in ms, nothing more is taken, nothing is given
   * back, and the thread ends (`handed-over`). The guest waits from then on, until `startBridge` with `takeOver` goes on
   * with what this resolves with, in this process or another. Copies of the descriptors that are kept elsewhere do too.
   */
  async handOver(deadlineMs = 5000): Promise<HandOver> {
    const state = await this.#ask({ what: 'hand-over', deadlineMs });
    const fds = this.#fds;
    this.#fds = [];
    return { fds: [...fds, { name: STATE_FD, fd: addon().duplicateFd(this.#thread.stateFd) }], state };
  }

  /** Stops serving, gives back what the guest holds, ends the thread. */
  close(): Promise<BridgeEnded> {
    if (!this.#isEnded) this.#post({ type: 'close' });
    return this.ended;
  }

  /** @internal */
  keep(fds: readonly NamedFd[]): void {
    const old = this.#fds;
    this.#fds = fds;
    this.emit('fds-changed', this.fds);
    closeAll(old);
  }

  /** @internal */
  answered(id: number, value: unknown): void {
    this.#answers.get(id)?.resolve(value);
    this.#answers.delete(id);
  }

  /** @internal */
  refused(id: number, message: string): void {
    this.#answers.get(id)?.reject(new GpuvmError('GPUVM_REQUEST', message));
    this.#answers.delete(id);
  }

  #ask(question: Question): Promise<unknown> {
    if (this.#isEnded) return Promise.reject(new GpuvmError('GPUVM_BRIDGE_CLOSED', 'the bridge has ended'));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#answers.set(id, { resolve, reject });
      this.#post({ type: 'ask', id, question });
    });
  }
}
