import type { GpuvmError } from '../errors.js';
import { LONGEST_TIMER_MS } from './deadlines.js';
import { late, refused, unanswered } from './failures.js';
import { NO_ID } from './format.js';
import type { QmpFailure } from './message.js';

interface Waiting {
  readonly command: string;
  readonly args: object | undefined;
  readonly timer: NodeJS.Timeout | undefined;
  readonly abort: (() => void) | undefined;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

export interface WaitOptions {
  /** How long to wait for the reply; without it, for as long as the connection lasts. */
  readonly deadlineMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A command that was sent and not answered yet. */
export interface InFlight {
  /** 0 for one that was sent without an id. */
  readonly id: number;
  readonly command: string;
}

/** Which ids are out; what a connection's next owner needs to know of them. */
export interface Ids {
  readonly next: number;
  readonly inFlight: readonly InFlight[];
  /** Ids that were given up on, whose reply may still come. */
  readonly late: readonly number[];
}

/** How many replies that nobody waits for are told from strays by their number; older ones are all taken as late. */
const MAX_LATE = 10_000;

/** The commands that were sent and not answered yet, by id; replies may come in any order. */
export class Pending {
  readonly #waiting = new Map<number, Waiting>();
  readonly #late: Set<number>;
  #next: number;
  /** Ids up to this one are no longer told apart. */
  #forgotten = 0;
  /** Replies that came after everybody had given up on them. */
  lateReplies = 0;

  constructor(ids: Pick<Ids, 'next' | 'late'> = { next: 1, late: [] }) {
    this.#next = ids.next;
    this.#late = new Set(ids.late);
  }

  get size(): number {
    return this.#waiting.size;
  }

  get ids(): Ids {
    return {
      next: this.#next,
      inFlight: [...this.#waiting].map(([id, { command }]) => ({ id, command })),
      late: [...this.#late],
    };
  }

  /**
   * The id for a command. One that is alone on its way needs none, and is answered sooner; its reply is the one
   * that has none either. While it may still come, given up on or not, all others have theirs.
   */
  nextId(mustHave: boolean): number {
    const mayGoWithout = !mustHave && this.#waiting.size === 0 && !this.#late.has(NO_ID);
    return mayGoWithout ? NO_ID : this.#next++;
  }

  /** Waits for the reply. `giveUp` is called before a wait ends by itself: true says that no reply can come. */
  add(
    id: number,
    command: string,
    args: object | undefined,
    { deadlineMs, signal }: WaitOptions,
    giveUp: () => boolean = () => false,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const stop = (error: unknown) => {
        if (this.#remove(id) === undefined) return;
        if (!giveUp()) this.#expect(id);
        reject(error);
      };
      const timer =
        deadlineMs === undefined || deadlineMs > LONGEST_TIMER_MS
          ? undefined
          : setTimeout(() => stop(late(command, args, deadlineMs)), deadlineMs);
      let abort: (() => void) | undefined;
      if (signal) {
        const onAbort = () => stop(signal.reason);
        signal.addEventListener('abort', onAbort, { once: true });
        abort = () => signal.removeEventListener('abort', onAbort);
      }
      this.#waiting.set(id, { command, args, timer, abort, resolve, reject });
    });
  }

  /** False where no command has this id, so that the reply cannot be anybody's. */
  succeed(id: unknown, value: unknown): boolean {
    const waiting = this.#remove(id);
    waiting?.resolve(value);
    return waiting !== undefined || this.#isLate(id);
  }

  fail(id: unknown, error: QmpFailure): boolean {
    const waiting = this.#remove(id);
    waiting?.reject(refused(waiting.command, waiting.args, error));
    return waiting !== undefined || this.#isLate(id);
  }

  /** This command never got out. */
  rejectOne(id: number, error: unknown): void {
    this.#remove(id)?.reject(error);
  }

  /** The connection is gone: nobody will be answered. */
  rejectAll(reason: GpuvmError): void {
    for (const [id, { command, args, reject }] of [...this.#waiting]) {
      this.#remove(id);
      reject(unanswered(command, args, reason));
    }
    this.#late.clear();
  }

  #remove(id: unknown): Waiting | undefined {
    const waiting = this.#waiting.get(id as number);
    if (waiting === undefined) return undefined;
    this.#waiting.delete(id as number);
    clearTimeout(waiting.timer);
    waiting.abort?.();
    return waiting;
  }

  #expect(id: number): void {
    this.#late.add(id);
    if (this.#late.size <= MAX_LATE) return;
    const [oldest] = this.#late;
    this.#late.delete(oldest);
    this.#forgotten = Math.max(this.#forgotten, oldest);
  }

  #isLate(id: unknown): boolean {
    if (typeof id !== 'number') return false;
    if (!this.#late.delete(id) && !(id > 0 && id <= this.#forgotten)) return false;
    this.lateReplies++;
    return true;
  }
}
