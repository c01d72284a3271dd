import { GpuvmError } from '../errors.js';
import { addon } from '../native/index.js';
import { connectSocket } from './connect.js';
import { Deadline, unlessAborted } from './deadline.js';
import { deadlinesFor } from './deadlines.js';
import type { EventWait } from './events.js';
import { closed } from './failures.js';
import { type QmpState, readState, writeState } from './handover.js';
import { type Connection, connectionOf, descriptorOf } from './inlet.js';
import type { Greeting, QmpEvent } from './message.js';
import type {
  AdoptOptions,
  ConnectOptions,
  ExecuteOptions,
  ExecuteParameters,
  InheritedCommand,
} from './options.js';
import { QmpProtocol } from './protocol.js';
import type { EventStream } from './stream.js';
import type { CommandName, DataOf, EventName, ReturnOf } from './types.js';

interface Session {
  readonly greeting: Greeting;
  readonly outOfBand: boolean;
  readonly commandMs: number;
}

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
  readonly #connection: Connection;
  readonly #commandMs: number;

  private constructor(protocol: QmpProtocol, connection: Connection, session: Session) {
    this.#protocol = protocol;
    this.#connection = connection;
    this.greeting = session.greeting;
    this.outOfBand = session.outOfBand;
    this.ended = protocol.ended;
    this.#commandMs = session.commandMs;
  }

  static async connect(options: ConnectOptions): Promise<QmpClient> {
    const { path, deadlineMs } = options;
    // A deadline for the whole stands for those of the steps that are not given.
    const steps = { connectMs: deadlineMs, greetingMs: deadlineMs, ...options.deadlines };
    const { connectMs, greetingMs, commandMs } = deadlinesFor(steps, options.pinnedRamBytes);
    const whole = new Deadline(deadlineMs, options.signal);
    const connecting = new Deadline(connectMs, whole.signal);
    let connection: Connection;
    try {
      connection = await connectSocket(path, connecting.signal);
    } catch (cause) {
      const late = connecting.passed ?? (options.signal?.aborted ? undefined : whole.passed);
      throw late === undefined ? cause : tooLate(path, late, 'nobody listened');
    }
    const greeted = new Deadline(greetingMs, whole.signal);
    const protocol = new QmpProtocol(connection, options);
    try {
      const greeting = await unlessAborted(protocol.greeting, greeted.signal);
      const outOfBand = options.outOfBand === true && greeting.capabilities.includes('oob');
      const wanted = outOfBand ? { enable: ['oob'] } : undefined;
      await protocol.send('qmp_capabilities', wanted, { signal: greeted.signal });
      return new QmpClient(protocol, connection, { greeting, outOfBand, commandMs });
    } catch (cause) {
      protocol.end(closed('the QMP connection was given up', cause));
      const late = greeted.passed ?? (options.signal?.aborted ? undefined : whole.passed);
      throw late === undefined
        ? cause
        : tooLate(path, late, 'connected, but the QMP greeting was not completed');
    }
  }

  /**
   * Takes over a monitor's socket from its owner before this one: no greeting comes, no capabilities are taken. With
   * the `state` of `detach` nothing is lost. Without it (the owner was killed) the connection is synchronised within
   * `greetingMs`, after what QEMU still runs; replies to the owner before are dropped. Throws GPUVM_USAGE for a state
   * that is none, and then `fd` is still the caller's.
   */
  static async adopt(options: AdoptOptions): Promise<QmpClient> {
    const { greetingMs, commandMs } = deadlinesFor(options.deadlines, options.pinnedRamBytes);
    options.signal?.throwIfAborted();
    if (options.state !== undefined) {
      const { position, greeting, outOfBand } = readState(options.state);
      const connection = connectionOf(options.fd);
      const protocol = new QmpProtocol(connection, options, position);
      return new QmpClient(protocol, connection, { greeting, outOfBand, commandMs });
    }
    const connection = connectionOf(options.fd);
    // Ids that no owner before can have used: theirs counted from 1.
    const unused = { ids: { next: Date.now(), inFlight: [], late: [] }, partial: new Uint8Array() };
    const protocol = new QmpProtocol(connection, options, unused);
    const { outOfBand = false } = options;
    protocol.events.hold();
    const synchronised = new Deadline(greetingMs, options.signal);
    try {
      const version = await protocol.synchronise({ signal: synchronised.signal });
      const greeting = {
        version: version as Greeting['version'],
        capabilities: outOfBand ? ['oob'] : [],
      };
      // The caller's turn to listen comes first.
      setImmediate(() => protocol.events.release());
      return new QmpClient(protocol, connection, { greeting, outOfBand, commandMs });
    } catch (cause) {
      protocol.end(closed('the QMP connection was given up', cause));
      const late = synchronised.passed;
      throw late === undefined ? cause : tooLate(`(descriptor ${options.fd})`, late, 'nothing answered');
    }
  }

  /** `[major, minor, micro]` of this QEMU. */
  get version(): readonly [number, number, number] {
    const { major, minor, micro } = this.greeting.version.qemu;
    return [major, minor, micro];
  }

  /** Replies that came after their command had been given up on, and were dropped. */
  get lateReplies(): number {
    return this.#protocol.lateReplies;
  }

  /** Commands that wait for their reply. */
  get inFlight(): number {
    return this.#protocol.inFlight;
  }

  /** The connection's descriptor, for whoever keeps a copy of it; -1 once it is closed. */
  get descriptor(): number {
    return descriptorOf(this.#connection.socket);
  }

  /** After `adopt`: the commands that were in flight then, with their replies. */
  get inherited(): readonly InheritedCommand[] {
    return this.#protocol.inherited;
  }

  execute<C extends CommandName>(command: C, ...rest: ExecuteParameters<C>): Promise<ReturnOf<C>> {
    const [args, options = {}] = rest as [args?: object, options?: ExecuteOptions];
    const { deadlineMs = this.#commandMs, signal, outOfBand = false, fds } = options;
    const given = args && Object.keys(args).length > 0 ? args : undefined;
    return this.#protocol.send(command, given, { deadlineMs, signal, outOfBand, fds }) as Promise<
      ReturnOf<C>
    >;
  }

  /**
   * The next event of this name, and with this data where `matches` is given. It listens from the call on, so call
   * it before the command that causes the event.
   */
  waitFor<E extends EventName>(
    name: E,
    matches: (data: DataOf<E>) => boolean = () => true,
    options: EventWait = {},
  ): Promise<QmpEvent<DataOf<E>>> {
    return this.#protocol.events.waitFor(name, matches, options);
  }

  /** Calls back for each event, or each of one name; returns what stops it. */
  on<E extends EventName>(name: E | '*', callback: (event: QmpEvent<DataOf<E>>) => void): () => void {
    return this.#protocol.events.subscribe((event) => {
      if (name === '*' || event.event === name) callback(event as QmpEvent<DataOf<E>>);
    });
  }

  /** Events from the call on as an async iterator, which ends with the connection, or throws the signal's reason. */
  events<E extends EventName>(
    name?: E,
    options: { readonly signal?: AbortSignal } = {},
  ): EventStream<QmpEvent<DataOf<E>>> {
    return this.#protocol.events.stream(name, options.signal);
  }

  /**
   * Stops reading and hands the connection over, without a word to QEMU: the socket, which is the caller's, and what
   * has to go along to `adopt`. Events and replies up to here were this client's (iterators still give theirs), all
   * later ones are the next owner's. Commands that wait are rejected with GPUVM_QMP_CLOSED; those that had been sent
   * are in `state.inFlight`. Throws GPUVM_QMP_TIMEOUT where QEMU does not take what was written within `deadlineMs`
   * (10 s unless told), and then the client goes on.
   */
  async detach(options: EventWait = {}): Promise<{ fd: number; state: QmpState }> {
    const { deadlineMs = 10_000, signal } = options;
    const deadline = new Deadline(deadlineMs, signal);
    try {
      const { taken, ...position } = await this.#protocol.release(
        () => addon().duplicateFd(descriptorOf(this.#connection.socket)),
        deadline.signal,
      );
      return { fd: taken, state: writeState(position, this.greeting, this.outOfBand) };
    } catch (cause) {
      if (deadline.passed === undefined) throw cause;
      throw new GpuvmError(
        'GPUVM_QMP_TIMEOUT',
        `QEMU did not take what was written to it within ${deadlineMs} ms`,
        { cause },
      );
    }
  }

  /** Ends the connection; QEMU goes on running. */
  close(): void {
    this.#protocol.end(closed('the QMP connection was closed by this program'));
  }
}

function tooLate(path: string, deadlineMs: number, what: string): GpuvmError {
  return new GpuvmError('GPUVM_QMP_TIMEOUT', `the QMP socket ${path}: ${what} within ${deadlineMs} ms`, {
    details: { path, deadlineMs },
  });
}
