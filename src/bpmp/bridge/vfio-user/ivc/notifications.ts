import { setTimeout as after } from 'node:timers';
import type { Keep } from '../library.js';
import { Frame, FrameFlag } from './abi.js';
import { type IvcEnd, Seen } from './end.js';

/** What became of a request from the BPMP to the guest. */
export type NotifyResult =
  /** The guest's driver answered: `ret` is 0 or a negative errno of Linux, `rx` all 120 bytes. */
  | { readonly outcome: 'acknowledged'; readonly ret: number; readonly rx: Uint8Array }
  | {
      readonly outcome: 'unanswered';
      /**
       * `deadline`: the guest has no driver for it yet, or is stuck; `restarted`: its driver began anew; `gone`: there
       * is no guest; `queue-full`: so many are waiting already.
       */
      readonly reason: 'deadline' | 'restarted' | 'gone' | 'queue-full';
    };

export interface NotifyCounters {
  notifies: number;
  notifiesAcknowledged: number;
  handshakes: number;
  channelResets: number;
}

interface Notification {
  readonly frame: Uint8Array;
  readonly resolve: (result: NotifyResult) => void;
  timer: NodeJS.Timeout | undefined;
}

const MOST_WAITING = 16;
/** Indices of the words that are kept. */
const OCCUPIED = 0;
const WAITING = 1;

/** The channel on which the BPMP asks and the guest answers, one request at a time. */
export class NotifyChannel {
  readonly #end: IvcEnd;
  readonly #counters: NotifyCounters;
  readonly #deadlineMs: number;
  readonly #waiting: Notification[] = [];
  #current: Notification | undefined;
  /** A request whose deadline has passed still occupies the channel. */
  get #isOccupied(): boolean {
    return this.#words[OCCUPIED] === 1;
  }
  set #isOccupied(isOccupied: boolean) {
    this.#words[OCCUPIED] = isOccupied ? 1 : 0;
  }
  /** Kept: whether the channel is occupied, and the frames that wait. */
  readonly #words: Int32Array;
  readonly #frames: Uint8Array | undefined;

  /** @param keep - where it outlives the process; after a former one, call {@link resume} */
  constructor(end: IvcEnd, counters: NotifyCounters, deadlineMs: number, keep?: Keep) {
    this.#end = end;
    this.#counters = counters;
    this.#deadlineMs = deadlineMs;
    this.#words = keep?.words(2) ?? new Int32Array(2);
    this.#frames = keep?.bytes(MOST_WAITING * Frame.SIZE);
  }

  /** Goes on with what a former process had not told the guest yet; whoever asked for it is not there any more. */
  resume(): void {
    this.#end.resume();
    // An answer that was copied by half is still there.
    this.#end.unhold();
    const count = Math.min(this.#words[WAITING], MOST_WAITING);
    for (let i = 0; i < count; i++) {
      const frame = this.#frames?.slice(i * Frame.SIZE, (i + 1) * Frame.SIZE);
      if (frame !== undefined) this.#queue(frame, () => {});
    }
  }

  /** Queues a request; `service` is to be called next. Throws RangeError for more than 120 bytes. */
  add(mrq: number, payload: Uint8Array): Promise<NotifyResult> {
    if (payload.length > Frame.DATA_SIZE) {
      throw new RangeError(`a notification of ${payload.length} bytes: ${Frame.DATA_SIZE} are possible`);
    }
    if (this.#waiting.length >= MOST_WAITING) {
      return Promise.resolve({ outcome: 'unanswered', reason: 'queue-full' });
    }
    const frame = new Uint8Array(Frame.SIZE);
    const view = new DataView(frame.buffer);
    view.setUint32(Frame.CODE, mrq, true);
    view.setUint32(Frame.FLAGS, FrameFlag.ANSWER | FrameFlag.RING, true);
    frame.set(payload, Frame.DATA);
    return new Promise((resolve) => {
      this.#queue(frame, resolve);
      this.#keepWaiting();
    });
  }

  #queue(frame: Uint8Array, resolve: (result: NotifyResult) => void): void {
    const notification: Notification = { frame, resolve, timer: undefined };
    notification.timer = after(() => this.#expire(notification), this.#deadlineMs);
    this.#waiting.push(notification);
  }

  #keepWaiting(): void {
    if (this.#frames === undefined) return;
    for (const [index, { frame }] of this.#waiting.entries()) this.#frames.set(frame, index * Frame.SIZE);
    this.#words[WAITING] = this.#waiting.length;
  }

  /** Looks at the channel once: takes an answer, then sends what waits. True where the guest is to be told. */
  service(): boolean {
    const end = this.#end;
    const seen = end.look();
    let notify = (seen & Seen.NOTIFY) !== 0;
    if ((seen & Seen.MET) !== 0) this.#counters.handshakes++;
    if ((seen & (Seen.RESTARTED | Seen.CORRUPT)) !== 0) {
      this.#restart((seen & Seen.CORRUPT) !== 0);
      return notify;
    }
    if ((seen & Seen.READY) === 0) return notify;
    if (end.isWaiting && !this.#takeAnswer()) {
      end.refuse();
      this.#restart(true);
      return true;
    }
    notify = this.#sendNext() || notify;
    return notify;
  }

  /** The guest is gone, or has begun anew from power-on, where what waits is sent once its driver is there. */
  abandon(reason: 'gone' | 'restarted'): void {
    this.#isOccupied = false;
    this.#settle({ outcome: 'unanswered', reason });
    if (reason === 'restarted') return;
    for (const notification of this.#waiting.splice(0)) {
      clearTimeout(notification.timer);
      notification.resolve({ outcome: 'unanswered', reason });
    }
  }

  #restart(isCorrupt: boolean): void {
    if (isCorrupt) this.#counters.channelResets++;
    this.abandon('restarted');
  }

  /** False where the guest answers what nobody asked, or has not read yet. */
  #takeAnswer(): boolean {
    if (!this.#isOccupied || !this.#end.hasRoom) return false;
    const frame = new Uint8Array(Frame.SIZE);
    this.#end.copy(frame);
    this.#end.release();
    this.#isOccupied = false;
    if (this.#current === undefined) return true;
    this.#counters.notifiesAcknowledged++;
    const ret = new DataView(frame.buffer).getInt32(Frame.CODE, true);
    this.#settle({ outcome: 'acknowledged', ret, rx: frame.subarray(Frame.DATA) });
    return true;
  }

  #sendNext(): boolean {
    // Before the guest's driver has shaken hands nobody would read it.
    if (this.#isOccupied || !this.#end.hasMet || !this.#end.hasRoom) return false;
    this.#current = this.#waiting.shift();
    if (this.#current === undefined) return false;
    this.#counters.notifies++;
    this.#isOccupied = true;
    this.#end.put(this.#current.frame);
    this.#keepWaiting();
    return true;
  }

  #expire(notification: Notification): void {
    if (notification === this.#current) this.#settle({ outcome: 'unanswered', reason: 'deadline' });
    else {
      this.#waiting.splice(this.#waiting.indexOf(notification), 1);
      this.#keepWaiting();
      notification.resolve({ outcome: 'unanswered', reason: 'deadline' });
    }
  }

  #settle(result: NotifyResult): void {
    const current = this.#current;
    if (current === undefined) return;
    this.#current = undefined;
    clearTimeout(current.timer);
    current.resolve(result);
  }
}
