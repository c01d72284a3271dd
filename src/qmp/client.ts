import { GpuvmError } from '../errors.js';
import { connectSocket } from './connect.js';
import type { EventWait } from './events.js';
import type { Greeting, QmpEvent } from './message.js';
import { closed, QmpProtocol } from './protocol.js';
import type { EventStream } from './stream.js';
import type { ArgsOf, CommandName, DataOf, EventName, ReturnOf } from './types.js';

export interface ConnectOptions {
  /** The Unix socket that QEMU listens on; it need not be there yet. */
  readonly path: string;
  /** For the socket to be there, the greeting and the capabilities, together. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  /** Asks for out-of-band commands where QEMU offers them. */
  readonly outOfBand?: boolean;
  /** The longest line that is taken. */
  readonly maxLineBytes?: number;
}

export interface ExecuteOptions {
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  /** Sends with exec-oob, ahead of commands that still run. */
  readonly outOfBand?: boolean;
}

const CONNECT_DEADLINE_MS = 10_000;
const COMMAND_DEADLINE_MS = 30_000;

/**
 * A connection to one QEMU's monitor. Errors: GPUVM_QMP_COMMAND (QEMU refused; details hold class, request and
 * reply), GPUVM_QMP_TIMEOUT, GPUVM_QMP_CLOSED, GPUVM_QMP_PROTOCOL.
 */
export class QmpClient {
  readonly greeting: Greeting;
  /** True where out-of-band commands were asked for and granted. */
  readonly outOfBand: boolean;
  /** Resolves when the connection is over, with why; never rejects. */
  readonly ended: Promise<GpuvmError>;
  readonly #protocol: QmpProtocol;

  private constructor(protocol: QmpProtocol, greeting: Greeting, outOfBand: boolean) {
    this.#protocol = protocol;
    this.greeting = greeting;
    this.outOfBand = outOfBand;
    this.ended = protocol.ended;
  }

  static async connect(options: ConnectOptions): Promise<QmpClient> {
    const { path, deadlineMs = CONNECT_DEADLINE_MS } = options;
    const deadline = AbortSignal.timeout(deadlineMs);
    const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline;
    let protocol: QmpProtocol | undefined;
    try {
      protocol = new QmpProtocol(await connectSocket(path, signal), options.maxLineBytes);
      const greeting = await unlessAborted(protocol.greeting, signal);
      const outOfBand = options.outOfBand === true && greeting.capabilities.includes('oob');
      await protocol.send('qmp_capabilities', outOfBand ? { enable: ['oob'] } : undefined, { signal });
      return new QmpClient(protocol, greeting, outOfBand);
    } catch (cause) {
      const error =
        deadline.aborted && !options.signal?.aborted ? tooLate(path, deadlineMs, protocol) : cause;
      protocol?.end(closed('the QMP connection was given up', cause));
      throw error;
    }
  }

  /** `[major, minor, micro]` of this QEMU. */
  get version(): readonly [number, number, number] {
    const { major, minor, micro } = this.greeting.version.qemu;
    return [major, minor, micro];
  }

  execute<C extends CommandName>(
    command: C,
    args?: ArgsOf<C>,
    options: ExecuteOptions = {},
  ): Promise<ReturnOf<C>> {
    const { deadlineMs = COMMAND_DEADLINE_MS, signal, outOfBand } = options;
    const reply = this.#protocol.send(command, args, { deadlineMs, signal, outOfBand: outOfBand === true });
    return reply as Promise<ReturnOf<C>>;
  }

  /**
   * The next event of this name, and with this data where `matches` is given. It listens from the call on, so call
   * it before the command that causes the event.
   */
  waitFor<E extends EventName>(
    name: E,
    matches: (data: DataOf<E>) => boolean = () => true,
    options: EventWait = {},
  ): Promise<QmpEvent & { data: DataOf<E> }> {
    return this.#protocol.events.waitFor(name, matches, options);
  }

  /** Calls back for each event, or each of one name; returns what stops it. */
  on<E extends EventName>(
    name: E | '*',
    callback: (event: QmpEvent & { data: DataOf<E> }) => void,
  ): () => void {
    return this.#protocol.events.subscribe((event) => {
      if (name === '*' || event.event === name) callback(event as QmpEvent & { data: DataOf<E> });
    });
  }

  /** Events from the call on as an async iterator, which ends with the connection. */
  events(name?: EventName): EventStream {
    return this.#protocol.events.stream(name);
  }

  /** Ends the connection; QEMU goes on running. */
  close(): void {
    this.#protocol.end(closed('the QMP connection was closed by this program'));
  }
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function tooLate(path: string, deadlineMs: number, protocol: QmpProtocol | undefined): GpuvmError {
  const what = protocol ? 'connected, but the QMP greeting was not completed' : 'nobody listened';
  return new GpuvmError('GPUVM_QMP_TIMEOUT', `the QMP socket ${path}: ${what} within ${deadlineMs} ms`, {
    details: { path, deadlineMs },
  });
}
