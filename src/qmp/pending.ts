import { GpuvmError } from '../errors.js';
import type { QmpFailure } from './message.js';

interface Waiting {
  readonly command: string;
  readonly args: object | undefined;
  readonly timer: NodeJS.Timeout | undefined;
  readonly abort: (() => void) | undefined;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export interface WaitOptions {
  /** How long to wait for the reply; without it, for as long as the connection lasts. */
  readonly deadlineMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The commands that were sent and not answered yet, by id; replies may come in any order. */
export class Pending {
  readonly #waiting = new Map<string, Waiting>();
  /** Ids given up on, whose reply may still come and then is nobody's. */
  readonly #givenUp = new Set<string>();
  #next = 1;

  get size(): number {
    return this.#waiting.size;
  }

  nextId(): string {
    return `gpuvm-${this.#next++}`;
  }

  add(id: string, command: string, args: object | undefined, options: WaitOptions): Promise<unknown> {
    const { deadlineMs, signal } = options;
    return new Promise((resolve, reject) => {
      const giveUp = (error: Error) => {
        const waiting = this.#remove(id);
        if (waiting === undefined) return;
        this.#givenUp.add(id);
        reject(error);
      };
      const timer =
        deadlineMs === undefined
          ? undefined
          : setTimeout(() => giveUp(late(command, args, deadlineMs)), deadlineMs);
      const onAbort = () => giveUp(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      const abort = signal && (() => signal.removeEventListener('abort', onAbort));
      this.#waiting.set(id, { command, args, timer, abort, resolve, reject });
    });
  }

  /** False where no command has this id, so that the reply cannot be anybody's. */
  succeed(id: unknown, value: unknown): boolean {
    const waiting = this.#remove(id);
    waiting?.resolve(value);
    return waiting !== undefined || this.#forget(id);
  }

  fail(id: unknown, error: QmpFailure): boolean {
    const waiting = this.#remove(id);
    waiting?.reject(refused(waiting.command, waiting.args, error));
    return waiting !== undefined || this.#forget(id);
  }

  /** The connection is gone: nobody will be answered. */
  rejectAll(reason: GpuvmError): void {
    for (const [id, { command, args, reject }] of [...this.#waiting]) {
      this.#remove(id);
      reject(
        new GpuvmError(reason.code, `${command} was not answered: ${reason.message}`, {
          cause: reason,
          details: { ...reason.details, request: { command, arguments: args } },
        }),
      );
    }
    this.#givenUp.clear();
  }

  #remove(id: unknown): Waiting | undefined {
    if (typeof id !== 'string') return undefined;
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return undefined;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    waiting.abort?.();
    return waiting;
  }

  #forget(id: unknown): boolean {
    return typeof id === 'string' && this.#givenUp.delete(id);
  }
}

function late(command: string, args: object | undefined, deadlineMs: number): GpuvmError {
  return new GpuvmError('GPUVM_QMP_TIMEOUT', `QEMU did not answer ${command} within ${deadlineMs} ms`, {
    details: { request: { command, arguments: args }, deadlineMs },
  });
}

function refused(command: string, args: object | undefined, reply: QmpFailure): GpuvmError {
  return new GpuvmError('GPUVM_QMP_COMMAND', `QEMU refused ${command}: ${reply.desc}`, {
    details: { class: reply.class, request: { command, arguments: args }, reply },
  });
}
