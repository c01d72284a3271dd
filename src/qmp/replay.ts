import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { LineReader } from './lines.js';
import { redactMessage } from './redact.js';
import { type Direction, parseTranscript, type TranscriptEntry } from './transcript.js';

type Message = Readonly<Record<string, unknown>>;
type Said = { readonly direction: Direction; readonly message: Message };

export interface ReplayOptions {
  /** Where to listen; by default a new socket in a folder of its own. */
  readonly path?: string;
  /** What was applied to the transcript, and so has to be to what is compared with it. */
  readonly redact?: (message: unknown, direction: Direction) => unknown;
}

/** A QMP server that says what another once said. */
export interface ReplayServer {
  /** For `QmpClient.connect`. Each connection starts the transcript from its beginning. */
  readonly path: string;
  /** What was asked and is not in the transcript at that place, one line each; empty after a faithful run. */
  readonly mismatches: readonly string[];
  /** Commands of the transcript that the newest connection has not sent. */
  readonly remaining: number;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const GREETING: Message = {
  QMP: { version: { qemu: { major: 0, minor: 0, micro: 0 }, package: 'replay' }, capabilities: ['oob'] },
};

/**
 * Serves a transcript on a Unix socket: each command is compared with the next one of the transcript (name and
 * arguments, not the id), and answered by all that followed it there, events and replies, up to the next command. One
 * that differs gets an error and is listed in `mismatches`. At the transcript's end the connection is closed if it was.
 */
export async function replay(
  transcript: string | { toString(): string },
  options: ReplayOptions = {},
): Promise<ReplayServer> {
  const entries = parseTranscript(transcript.toString());
  const folder = options.path === undefined ? await mkdtemp(join(tmpdir(), 'gpuvm-replay-')) : undefined;
  const path = options.path ?? join(folder as string, 'qmp');
  const mismatches: string[] = [];
  const sockets = new Set<Socket>();
  let newest: Replay | undefined;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    const replaying = new Replay(entries, socket, mismatches, options.redact ?? redactMessage);
    newest = replaying;
    const lines = new LineReader();
    socket.on('data', (chunk) => lines.push(chunk, (line) => replaying.take(line)));
    replaying.begin();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  };
  return {
    path,
    mismatches,
    get remaining() {
      return newest?.remaining ?? entries.filter(isCommand).length;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** One connection's way through the transcript. */
class Replay {
  readonly #entries: readonly TranscriptEntry[];
  readonly #socket: Socket;
  readonly #mismatches: string[];
  readonly #redact: (message: unknown, direction: Direction) => unknown;
  /** Ids as they were recorded, and as this client chose them. */
  readonly #ids = new Map<unknown, unknown>();
  #at = 0;

  constructor(
    entries: readonly TranscriptEntry[],
    socket: Socket,
    mismatches: string[],
    redact: (message: unknown, direction: Direction) => unknown,
  ) {
    this.#entries = entries;
    this.#socket = socket;
    this.#mismatches = mismatches;
    this.#redact = redact;
  }

  get remaining(): number {
    return this.#entries.slice(this.#at).filter(isCommand).length;
  }

  /** A transcript that began with an adopted socket has no greeting. */
  begin(): void {
    const [first] = this.#entries;
    if (!first || !isSaid(first) || !('QMP' in first.message)) this.#say(GREETING);
    this.#proceed();
  }

  take(line: string): void {
    const request = JSON.parse(line) as Message;
    const expected = this.#entries[this.#at];
    const isExpected =
      expected && isCommand(expected) && isSame(expected.message, this.#redact(request, 'out'));
    if (isExpected) {
      this.#ids.set(expected.message.id, request.id);
      this.#at++;
      this.#proceed();
      return;
    }
    if (nameOf(request) === 'qmp_capabilities') {
      this.#say({ return: {}, id: request.id });
      return;
    }
    const wanted = expected && isSaid(expected) ? describe(expected.message) : 'its end';
    const desc = `the transcript has ${wanted}, and not ${describe(this.#redact(request, 'out') as Message)}`;
    this.#mismatches.push(desc);
    this.#say({ error: { class: 'GenericError', desc }, id: request.id });
  }

  /** Says all up to the next command. */
  #proceed(): void {
    for (; this.#at < this.#entries.length; this.#at++) {
      const entry = this.#entries[this.#at]!;
      if ('ended' in entry) return void this.#socket.end();
      if (!isSaid(entry)) continue;
      if (entry.direction === 'out') return;
      const { message } = entry;
      const isReply = 'return' in message || 'error' in message;
      this.#say(isReply ? { ...message, id: this.#ids.get(message.id) } : message);
    }
  }

  #say(message: Message): void {
    this.#socket.write(`${JSON.stringify(message)}\r\n`);
  }
}

function isSaid(entry: TranscriptEntry): entry is Said & { timeMs: number } {
  return 'message' in entry && typeof entry.message === 'object' && entry.message !== null;
}

function isCommand(entry: TranscriptEntry): entry is Said & { timeMs: number } {
  return isSaid(entry) && entry.direction === 'out';
}

function nameOf(request: Message): unknown {
  return request.execute ?? request['exec-oob'];
}

function isSame(recorded: Message, request: unknown): boolean {
  const { id: _was, ...expected } = recorded;
  const { id: _is, ...actual } = request as Message;
  return isDeepStrictEqual(expected, actual);
}

function describe(request: Message): string {
  const args = request.arguments === undefined ? '' : ` ${JSON.stringify(request.arguments)}`;
  return `${String(nameOf(request))}${args}`;
}
