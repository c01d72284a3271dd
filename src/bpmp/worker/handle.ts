import { EventEmitter } from 'node:events';
import { GpuvmError } from '../../errors.js';
import { addon } from '../../native/index.js';
import type { RingChunk, RingProgress } from '../capture/index.js';
import type { DenialEvent, RecentDecision, ReleaseReport, TransferRecord } from '../mediator/index.js';
import type { BpmpAnswer } from './ask.js';
import type { NamedFd } from './config.js';
import { closeAll, STATE_FD } from './descriptors.js';
import { type FollowOptions, TransferFeed } from './feed.js';
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
import { RING_AT } from './state-memory.js';
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
  readonly #feed: TransferFeed;
  #fds: readonly NamedFd[] = [];
  #recordsDropped = 0;

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
    this.#feed = new TransferFeed(() => thread.state);
    this.#post = (message) => thread.post(message);
    this.ended = ended.finally(() => {
      this.#isEnded = true;
      this.#feed.end();
      closeAll(this.#fds);
      this.#fds = [];
      const error = new GpuvmError('GPUVM_BRIDGE_CLOSED', 'the bridge has ended');
      for (const answer of this.#answers.values()) answer.reject(error);
      this.#answers.clear();
    });
  }

  /** Counters, latencies and what the guest holds, as of now. */
  async snapshot(): Promise<BridgeSnapshot> {
    const snapshot = (await this.#ask({ what: 'snapshot' })) as BridgeSnapshot;
    return { ...snapshot, recordsDropped: this.#recordsDropped };
  }

  /**
   * Its transfers as packet blocks of pcapng, interface 0: those that are still in the ring, and then, unless `follow` is
   * false, those that come, until the bridge has ended. Read them at your own pace: what you are too slow for is lost to you
   * alone and counted.
   */
  captured(options?: FollowOptions): AsyncGenerator<RingChunk> {
    return this.#feed.chunks(options);
  }

  /** What of its transfers is in files, noted where a successor finds it. */
  async captureProgress(): Promise<RingProgress> {
    const { RingProgress } = await import('../capture/index.js');
    return new RingProgress(this.#thread.state.memory, RING_AT);
  }

  /** The same with all that metrics are made of; undefined as long as no guest is served. */
  async measurements(): Promise<BridgeMeasurements | undefined> {
    const measured = (await this.#ask({ what: 'measurements' })) as BridgeMeasurements | undefined;
    return (
      measured && { ...measured, snapshot: { ...measured.snapshot, recordsDropped: this.#recordsDropped } }
    );
  }

  /** Asks the VM's mediator as its guest would: by its policy, in its ledger, within its rate. */
  request(mrq: number, tx: Uint8Array): Promise<BpmpAnswer> {
    return this.#ask({ what: 'request', mrq, tx }) as Promise<BpmpAnswer>;
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
  recorded(records: readonly TransferRecord[], dropped: number): void {
    this.#recordsDropped += dropped;
    this.emit('transfers', records, dropped);
  }

  /** @internal */
  wake(): void {
    this.#feed.wake();
  }

  /** @internal */
  get recordsDropped(): number {
    return this.#recordsDropped;
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
