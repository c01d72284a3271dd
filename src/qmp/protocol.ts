import { GpuvmError } from '../errors.js';
import { EventHub } from './events.js';
import { closed, stray, unsent } from './failures.js';
import { formatCommand, NO_ID } from './format.js';
import type { Connection } from './inlet.js';
import { LineReader } from './lines.js';
import { type Greeting, type Message, parseMessage } from './message.js';
import { Outbox } from './outbox.js';
import { type Ids, type InFlight, Pending, type WaitOptions } from './pending.js';
import type { Transcript } from './transcript.js';

export interface ProtocolOptions {
  readonly maxLineBytes?: number | undefined;
  readonly transcript?: Transcript | undefined;
}

/** What one owner of a connection must tell the next, beside the socket. */
export interface Position {
  readonly ids: Ids;
  /** The command in flight that descriptors went along with. */
  readonly withDescriptors?: number | undefined;
  /** The bytes that were read of a line that has not ended. */
  readonly partial: Uint8Array;
}

export interface SendOptions extends WaitOptions {
  readonly outOfBand?: boolean;
  readonly fds?: readonly number[] | undefined;
}

/** What may wait to be read by a QEMU that does not read. */
const MAX_BACKLOG = 64 * 1024 * 1024;
/** QEMU's parser starts anew at this byte, which no JSON text holds, and says so with an error without an id. */
const START_ANEW = Uint8Array.of(0xff);

/**
 * One conversation over a connected socket: lines in, messages sorted, replies matched to commands by id. It ends
 * once, with one reason, and then everybody who waits is told.
 */
export class QmpProtocol {
  readonly events = new EventHub();
  /** Resolves when the conversation is over, with why. */
  readonly ended: Promise<GpuvmError>;
  readonly greeting: Promise<Greeting>;
  /** The commands of the connection's owner before this one, that were still in flight. */
  readonly inherited: readonly (InFlight & { readonly reply: Promise<unknown> })[];
  readonly #connection: Connection;
  readonly #lines: LineReader;
  readonly #pending: Pending;
  readonly #outbox: Outbox;
  readonly #transcript: Transcript | undefined;
  readonly #take: (line: string) => void;
  #settleGreeting: { resolve(greeting: Greeting): void; reject(reason: GpuvmError): void } | undefined;
  /** Until this command is answered, all is dropped that belongs to a conversation of somebody else's. */
  #synchroniser: number | undefined;
  #settleEnd!: (reason: GpuvmError) => void;
  #reason: GpuvmError | undefined;

  constructor(connection: Connection, options: ProtocolOptions = {}, position?: Position) {
    const { socket, inlet } = connection;
    this.#connection = connection;
    this.#transcript = options.transcript;
    this.#lines = new LineReader(options.maxLineBytes, position?.partial);
    this.#pending = new Pending(position?.ids);
    this.#outbox = new Outbox(socket, (id, cause) => this.#undelivered(id, cause), position?.withDescriptors);
    this.#take = (line) => this.#receiveLine(line);
    this.greeting = new Promise((resolve, reject) => {
      this.#settleGreeting = { resolve, reject };
    });
    this.greeting.catch(() => undefined);
    this.ended = new Promise((resolve) => {
      this.#settleEnd = resolve;
    });
    this.inherited = (position?.ids.inFlight ?? []).map(({ id, command }) => {
      const reply = this.#pending.add(id, command, undefined, {});
      reply.catch(() => undefined);
      return { id, command, reply };
    });
    inlet.take = (chunk) => this.#receive(chunk);
    socket.on('error', (cause) => this.end(closed(`the QMP connection broke: ${cause.message}`, cause)));
    socket.on('close', () => this.end(closed('QEMU closed the QMP connection')));
  }

  get lateReplies(): number {
    return this.#pending.lateReplies;
  }

  get inFlight(): number {
    return this.#pending.size;
  }

  send(command: string, args: object | undefined, options: SendOptions): Promise<unknown> {
    return this.#send(command, args, options, options.outOfBand === true);
  }

  #send(command: string, args: object | undefined, options: SendOptions, withId: boolean): Promise<unknown> {
    const { outOfBand = false, fds } = options;
    if (this.#reason) return Promise.reject(unsent(command, args, this.#reason));
    if (options.signal?.aborted) return Promise.reject(options.signal.reason);
    if (this.#outbox.backlog > MAX_BACKLOG) return Promise.reject(unsent(command, args, backlog()));
    const id = this.#pending.nextId(withId);
    let line: string;
    try {
      line = formatCommand(command, args, id, outOfBand);
    } catch (error) {
      return Promise.reject(error);
    }
    const reply = this.#pending.add(id, command, args, options, () => this.#outbox.takeBack(id));
    this.#transcript?.record('out', line);
    this.#outbox.send(id, line, fds, outOfBand);
    return reply;
  }

  /**
   * For a connection whose state nobody knows: makes QEMU's parser start anew, and asks for its version. Until that is
   * answered, in order, replies and ends of lines are dropped, which are somebody else's; events are events.
   */
  synchronise(options: WaitOptions): Promise<unknown> {
    this.#settleGreeting = undefined;
    this.#synchroniser = this.#pending.ids.next;
    this.#connection.socket.write(START_ANEW);
    return this.#send('query-version', undefined, options, true);
  }

  /**
   * Stops reading and gives the connection away: where it stands, and the socket below, which stays open. What
   * had not been sent is rejected; what was sent and not answered is in the position. Throws the signal's reason where
   * QEMU does not take what was written, and then the conversation goes on.
   */
  async release<Taken>(take: () => Taken, signal: AbortSignal): Promise<Position & { taken: Taken }> {
    const { socket } = this.#connection;
    do {
      await this.#outbox.flushed(signal);
      // Not while lines are being handed out, all of which are still this owner's.
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#reason) throw this.#reason;
    } while (socket.writableLength > 0);
    const reason = closed('the QMP connection was handed on');
    for (const id of this.#outbox.takeBackAll()) this.#pending.rejectOne(id, reason);
    socket.pause();
    const position = {
      ids: this.#pending.ids,
      withDescriptors: this.#outbox.withDescriptors,
      partial: this.#lines.partial,
    };
    const taken = take();
    this.end(reason);
    return { ...position, taken };
  }

  end(reason: GpuvmError): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#transcript?.end(reason.message);
    this.#outbox.takeBackAll();
    this.#connection.socket.destroy();
    this.#settleGreeting?.reject(reason);
    this.#pending.rejectAll(reason);
    this.events.end(reason);
    this.#settleEnd(reason);
  }

  #receive(chunk: Uint8Array): void {
    if (this.#reason) return;
    try {
      this.#lines.push(chunk, this.#take);
    } catch (error) {
      if (!GpuvmError.is(error, 'GPUVM_QMP_PROTOCOL')) throw error;
      this.end(error);
    }
  }

  #receiveLine(line: string): void {
    if (this.#reason) return;
    this.#transcript?.record('in', line);
    if (this.#synchroniser !== undefined) this.#dispatchForeign(line, this.#synchroniser);
    else this.#dispatch(parseMessage(line), line.length);
  }

  #dispatch(message: Message, length: number): void {
    switch (message.kind) {
      case 'return':
        if (!this.#pending.succeed(idOf(message), message.value))
          throw stray('a reply that nobody asked for');
        this.#outbox.answered(idOf(message));
        return;
      case 'error':
        // QEMU's answer to a line that it could not read is one, and then no reply will come for a command of ours.
        if (!this.#pending.fail(idOf(message), message.error))
          throw stray(`an error that belongs to no command (${message.error.desc})`);
        this.#outbox.answered(idOf(message));
        return;
      case 'event':
        this.events.emit(message.event, length);
        return;
      case 'greeting':
        if (this.#settleGreeting === undefined) throw stray('a second greeting');
        this.#settleGreeting.resolve(message.greeting);
        this.#settleGreeting = undefined;
        return;
    }
  }

  #dispatchForeign(line: string, synchroniser: number): void {
    let message: Message;
    try {
      message = parseMessage(line);
    } catch {
      return;
    }
    if (message.kind === 'event') this.events.emit(message.event, line.length);
    if ((message.kind !== 'return' && message.kind !== 'error') || message.id !== synchroniser) return;
    this.#synchroniser = undefined;
    this.#dispatch(message, line.length);
  }

  #undelivered(id: number, cause: unknown): void {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `a command could not be sent with its descriptors: ${why}`;
    this.#pending.rejectOne(id, new GpuvmError('GPUVM_USAGE', message, { cause }));
  }
}

/** The id of a reply: NO_ID where it has none, and nobody's where it says that of itself. */
function idOf({ id }: { readonly id: unknown }): unknown {
  return id === undefined ? NO_ID : id === NO_ID ? undefined : id;
}

function backlog(): GpuvmError {
  return new GpuvmError('GPUVM_QMP_TIMEOUT', `QEMU does not read: ${MAX_BACKLOG} bytes wait for it already`);
}
