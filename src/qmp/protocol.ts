import type { Socket } from 'node:net';
import { GpuvmError } from '../errors.js';
import { EventHub } from './events.js';
import { LineReader } from './lines.js';
import { formatCommand, type Greeting, type Message, parseMessage } from './message.js';
import { Pending, type WaitOptions } from './pending.js';

/**
 * One conversation over a connected socket: lines in, messages sorted, replies matched to commands by id. It ends
 * once, with one reason, and then everybody who waits is told.
 */
export class QmpProtocol {
  readonly events = new EventHub();
  /** Resolves when the conversation is over, with why. */
  readonly ended: Promise<GpuvmError>;
  readonly greeting: Promise<Greeting>;
  readonly #socket: Socket;
  readonly #lines: LineReader;
  readonly #pending = new Pending();
  #settleGreeting!: { resolve(greeting: Greeting): void; reject(reason: GpuvmError): void } | undefined;
  #settleEnd!: (reason: GpuvmError) => void;
  #reason: GpuvmError | undefined;

  constructor(socket: Socket, maxLineBytes?: number) {
    this.#socket = socket;
    this.#lines = new LineReader(maxLineBytes);
    this.greeting = new Promise((resolve, reject) => {
      this.#settleGreeting = { resolve, reject };
    });
    this.greeting.catch(() => undefined);
    this.ended = new Promise((resolve) => {
      this.#settleEnd = resolve;
    });
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (cause) => this.end(closed(`the QMP connection broke: ${cause.message}`, cause)));
    socket.on('close', () => this.end(closed('QEMU closed the QMP connection')));
  }

  send(command: string, args: object | undefined, options: WaitOptions & { outOfBand?: boolean }) {
    if (this.#reason) return Promise.reject(again(command, this.#reason));
    if (options.signal?.aborted) return Promise.reject(options.signal.reason);
    const id = this.#pending.nextId();
    let line: string;
    try {
      line = formatCommand(command, args, id, options.outOfBand);
    } catch (error) {
      return Promise.reject(error);
    }
    const reply = this.#pending.add(id, command, args, options);
    this.#socket.write(line);
    return reply;
  }

  end(reason: GpuvmError): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#socket.destroy();
    this.#settleGreeting?.reject(reason);
    this.#pending.rejectAll(reason);
    this.events.end(reason);
    this.#settleEnd(reason);
  }

  #receive(chunk: Uint8Array): void {
    try {
      for (const line of this.#lines.push(chunk)) {
        if (this.#reason) return;
        this.#dispatch(parseMessage(line));
      }
    } catch (error) {
      // A callback of the user's may throw too; that is theirs to hear of, not the connection's end.
      if (!GpuvmError.is(error, 'GPUVM_QMP_PROTOCOL')) throw error;
      this.end(error);
    }
  }

  #dispatch(message: Message): void {
    switch (message.kind) {
      case 'greeting':
        if (this.#settleGreeting === undefined) throw stray('a second greeting');
        this.#settleGreeting.resolve(message.greeting);
        this.#settleGreeting = undefined;
        return;
      case 'event':
        this.events.emit(message.event);
        return;
      case 'return':
        if (!this.#pending.succeed(message.id, message.value)) throw stray('a reply that nobody asked for');
        return;
      case 'error':
        if (this.#pending.fail(message.id, message.error)) return;
        // Without an id this is QEMU's answer to a line that it could not read, so no reply will come for one of ours.
        throw stray(`an error that belongs to no command (${message.error.desc})`);
    }
  }
}

export function closed(message: string, cause?: unknown): GpuvmError {
  return new GpuvmError('GPUVM_QMP_CLOSED', message, { cause });
}

function again(command: string, reason: GpuvmError): GpuvmError {
  return new GpuvmError(reason.code, `${command} cannot be sent: ${reason.message}`, {
    cause: reason,
    details: { ...reason.details, request: { command } },
  });
}

function stray(what: string): GpuvmError {
  return new GpuvmError('GPUVM_QMP_PROTOCOL', `the QMP server sent ${what}`);
}
