import { setTimeout as after } from 'node:timers';
import type { Outcome } from '../../../backend/backend.js';
import { BpmpError, extentOf } from '../../../wire/index.js';
import type { RequestHandler } from '../../bridge.js';
import { isRepeatable } from '../../repeatable.js';
import type { Keep } from '../library.js';
import { Frame, FrameFlag } from './abi.js';
import { type IvcEnd, Seen } from './end.js';
import type { RequestCounters } from './request-counters.js';

/** What all channels of one guest have in common. */
export interface RequestContext {
  readonly handler: RequestHandler;
  readonly deadlineMs: number;
  readonly counters: RequestCounters;
  /** Rings the guest's doorbell. */
  readonly notify: () => void;
}

/**
 * A guest may begin a handshake, and with it a new request, while its last one is under way. So many of those may be
 * left behind; a guest that goes on waits for them.
 */
const MOST_ABANDONED = 16;

/** Indices of the words that are kept. */
const STAGE = 0;
const TAKEN_AFTER = 1;
const SENT_AFTER = 2;
const HAS_ANSWER = 3;
const Stage = { NONE: 0, COPIED: 1, HANDED: 2, ANSWERED: 3 } as const;

/** A request that is under way. */
interface Call {
  readonly flags: number;
  timer: NodeJS.Timeout | undefined;
}

/** A channel on which the guest asks: one request at a time, taken once there is room for its answer. */
export class RequestChannel {
  readonly #end: IvcEnd;
  readonly #context: RequestContext;
  /** The one copy of what the guest sent: everything that is looked at is read from here. */
  readonly #request: Uint8Array;
  readonly #requestView: DataView;
  /** How far the request has come, and the counters as they are to be when its answer was put; for a successor. */
  readonly #words: Int32Array;
  readonly #kept: Uint8Array | undefined;
  /** Views of the request's data by length, made when first wanted. */
  readonly #tx: Uint8Array[] = [];
  #answer = new AnswerFrame();
  #call: Call | undefined;

  /** @param keep - where it outlives the process; after a former one, call {@link resume} */
  constructor(end: IvcEnd, context: RequestContext, keep?: Keep) {
    this.#end = end;
    this.#context = context;
    this.#words = keep?.words(4) ?? new Int32Array(4);
    this.#request = keep?.bytes(Frame.SIZE) ?? new Uint8Array(Frame.SIZE);
    this.#kept = keep?.bytes(Frame.SIZE);
    this.#requestView = new DataView(this.#request.buffer, this.#request.byteOffset, Frame.SIZE);
  }

  /** Goes on with what a former process had under way. */
  resume(): void {
    const end = this.#end;
    end.resume();
    const stage = this.#words[STAGE];
    if (stage === Stage.ANSWERED) {
      this.#complete();
      this.#context.notify();
    } else if (!end.isHeld) this.#words[STAGE] = Stage.NONE;
    // Copied in part, and never looked at.
    else if (stage === Stage.NONE) end.unhold();
    else if (this.#handle(stage === Stage.HANDED)) this.#context.notify();
  }

  /** Whether a request is under way. */
  get isBusy(): boolean {
    return this.#call !== undefined;
  }

  /** Looks at the channel once and takes at most one request. True where the guest is to be told. */
  service(): boolean {
    const seen = this.#look();
    const end = this.#end;
    let notify = (seen & Seen.NOTIFY) !== 0;
    if ((seen & Seen.READY) !== 0 && end.isWaiting && end.hasRoom) notify = this.#take() || notify;
    return notify;
  }

  /** The guest that asked has gone or begun anew: nobody wants the outcome of what is under way. */
  abandon(): void {
    const call = this.#call;
    if (call === undefined) return;
    this.#call = undefined;
    this.#words[STAGE] = Stage.NONE;
    clearTimeout(call.timer);
    const { counters } = this.#context;
    counters.abandoned++;
    counters.abandonedNow++;
    // The buffer is still the handler's: the next request gets another.
    this.#answer = new AnswerFrame();
  }

  #look(): number {
    const seen = this.#end.look();
    const { counters } = this.#context;
    if ((seen & Seen.MET) !== 0) counters.handshakes++;
    if ((seen & Seen.CORRUPT) !== 0) counters.channelResets++;
    if ((seen & (Seen.RESTARTED | Seen.CORRUPT)) !== 0) this.abandon();
    return seen;
  }

  #take(): boolean {
    this.#end.copy(this.#request);
    this.#words[STAGE] = Stage.COPIED;
    return this.#handle(false);
  }

  /** @param isRepeat - a former process may have had it carried out */
  #handle(isRepeat: boolean): boolean {
    const { handler, counters } = this.#context;
    const mrq = this.#requestView.getUint32(Frame.CODE, true);
    const call: Call = { flags: this.#requestView.getUint32(Frame.FLAGS, true), timer: undefined };
    counters.transfers++;
    const whole = this.#txOf(Frame.DATA_SIZE);
    // The guest sends all of the frame, whose end holds what others have written there before.
    const tx = this.#txOf(Math.min(extentOf(mrq, whole)?.request ?? Frame.DATA_SIZE, Frame.DATA_SIZE));
    counters.txBytes += tx.length;
    this.#answer.data.fill(0);
    this.#call = call;
    if (counters.abandonedNow >= MOST_ABANDONED) {
      counters.refused++;
      return this.#finish(call, BpmpError.EBUSY, 0);
    }
    if (isRepeat && !isRepeatable(mrq)) return this.#finish(call, BpmpError.EIO, 0);
    this.#words[STAGE] = Stage.HANDED;
    const outcome = handler.handle(mrq, tx, this.#answer.data);
    if (!(outcome instanceof Promise)) return this.#finish(call, outcome.ret, outcome.rxSize);
    this.#await(call, outcome);
    return false;
  }

  #await(call: Call, pending: Promise<Outcome>): void {
    const { counters, deadlineMs } = this.#context;
    const settle = (outcome: Outcome) => {
      if (call === this.#call) this.#finishLater(call, outcome.ret, outcome.rxSize);
      else counters.abandonedNow--;
    };
    // A handler promises not to reject; a guest must not wait for one that does.
    pending.then(settle, () => settle({ ret: BpmpError.EIO, rxSize: 0 }));
    call.timer = after(() => {
      counters.late++;
      const { flags } = call;
      this.abandon();
      this.#call = { flags, timer: undefined };
      this.#words[STAGE] = Stage.HANDED;
      this.#finishLater(this.#call, BpmpError.ETIMEDOUT, 0);
    }, deadlineMs);
  }

  /** As {@link #finish}, of an outcome that comes by itself: the guest may have begun anew meanwhile. */
  #finishLater(call: Call, ret: number, rxSize: number): void {
    let notify = (this.#look() & Seen.NOTIFY) !== 0;
    if (call === this.#call) notify = this.#finish(call, ret, rxSize) || notify;
    else this.#context.counters.abandonedNow--;
    if (notify) this.#context.notify();
  }

  /** Answers, and makes way for the next request. True where the guest is to be told. */
  #finish({ flags, timer }: Call, ret: number, rxSize: number): boolean {
    clearTimeout(timer);
    this.#call = undefined;
    let answer: Uint8Array | undefined;
    if ((flags & FrameFlag.ANSWER) !== 0) {
      const size = Math.min(Math.max(rxSize, 0), Frame.DATA_SIZE);
      this.#context.counters.rxBytes += size;
      answer = this.#answer.of(ret, flags, size);
    }
    if (this.#kept !== undefined) this.#promise(answer);
    this.#end.release();
    if (answer !== undefined) this.#end.put(answer);
    this.#words[STAGE] = Stage.NONE;
    return (flags & FrameFlag.RING) !== 0;
  }

  /** From here on a successor completes what is about to be done. */
  #promise(answer: Uint8Array | undefined): void {
    if (answer !== undefined) this.#kept?.set(answer);
    this.#words[TAKEN_AFTER] = this.#end.taken + 1;
    this.#words[SENT_AFTER] = this.#end.sent + 1;
    this.#words[HAS_ANSWER] = answer === undefined ? 0 : 1;
    this.#words[STAGE] = Stage.ANSWERED;
  }

  #complete(): void {
    const answer = this.#words[HAS_ANSWER] === 1 ? this.#kept : undefined;
    this.#end.complete(this.#words[TAKEN_AFTER], this.#words[SENT_AFTER], answer);
    this.#words[STAGE] = Stage.NONE;
  }

  #txOf(length: number): Uint8Array {
    this.#tx[length] ??= this.#request.subarray(Frame.DATA, Frame.DATA + length);
    return this.#tx[length] as Uint8Array;
  }
}

/** An answer under construction, with the data in place for the handler to write. */
class AnswerFrame {
  readonly #bytes = new Uint8Array(Frame.SIZE);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly data = this.#bytes.subarray(Frame.DATA);

  /** The whole frame, of which the handler wrote `size` bytes of data. */
  of(ret: number, flags: number, size: number): Uint8Array {
    this.#view.setInt32(Frame.CODE, ret, true);
    this.#view.setUint32(Frame.FLAGS, flags, true);
    // A handler may have written more than it answers.
    this.data.fill(0, size);
    return this.#bytes;
  }
}
