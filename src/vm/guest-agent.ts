import { connect, type Socket } from 'node:net';
import { GpuvmError } from '../errors.js';
import { defer, within } from './waiting.js';

/** What precedes an answer that can be told from whatever an earlier client left in the channel. */
const SENTINEL = 0xff;
const MAX_LINE_BYTES = 1024 * 1024;
/** How long a refusal of a command that is not answered when it succeeds may take. */
const REFUSAL_MS = 500;

/**
 * The agent inside the guest (qemu-ga), over its channel: one short conversation for each question, as the channel holds
 * only one at a time. Whether anybody is there is known only by an answer.
 */
export class GuestAgent {
  readonly #path: string;
  #queue: Promise<unknown> = Promise.resolve();

  /** @param path - the socket of the channel, that QEMU listens on */
  constructor(path: string) {
    this.#path = path;
  }

  /** Resolves where the agent answers within the deadline. Throws GPUVM_GUEST_AGENT where it does not. */
  ping(deadlineMs: number): Promise<void> {
    return this.#converse(deadlineMs, async () => {});
  }

  /** Has the guest power itself off. Throws GPUVM_GUEST_AGENT where no agent answers, or it refuses. */
  shutdown(deadlineMs: number): Promise<void> {
    return this.#converse(deadlineMs, async (talk) => {
      // Answered only where it fails: the guest is on its way down, and may take the channel with it at once.
      const asked = talk.ask('guest-shutdown', { mode: 'powerdown' });
      const hungUp = talk.broken.catch(() => undefined);
      const refusal = await within(REFUSAL_MS, Promise.race([asked, hungUp]));
      if (refusal?.error)
        throw silent(`refused to power off: ${refusal.error.desc ?? 'it does not say why'}`);
    });
  }

  #converse(deadlineMs: number, act: (talk: Conversation) => Promise<void>): Promise<void> {
    const turn = this.#queue.then(async () => {
      const talk = new Conversation(connect(this.#path));
      try {
        const met = talk.synchronise().then(() => true);
        if (!(await within(deadlineMs, Promise.race([met, talk.broken]))))
          throw silent(`did not answer within ${deadlineMs} ms`);
        await act(talk);
      } finally {
        talk.close();
      }
    });
    this.#queue = turn.catch(() => undefined);
    return turn;
  }
}

interface Answer {
  readonly return?: unknown;
  readonly error?: { readonly desc?: string };
}

class Conversation {
  readonly broken: Promise<never>;
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #isInStep = false;
  #onAnswer: (answer: Answer) => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    const broken = defer<never>();
    this.broken = broken.promise;
    socket.on('error', (error) => broken.reject(silent(`cannot be reached: ${error.message}`)));
    socket.on('close', () => broken.reject(silent('hung up')));
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
  }

  /** Past whatever an earlier client left in the channel, in either direction. */
  async synchronise(): Promise<void> {
    const id = Math.floor(Math.random() * 2 ** 31);
    this.#socket.write(Buffer.of(SENTINEL));
    for (;;) {
      const answer = await this.ask('guest-sync-delimited', { id });
      if (answer.return === id) return;
    }
  }

  ask(command: string, args: object): Promise<Answer> {
    const { promise, resolve } = defer<Answer>();
    this.#onAnswer = resolve;
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    return promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    if (!this.#isInStep) {
      const at = this.#received.indexOf(SENTINEL);
      if (at < 0) {
        this.#received = Buffer.alloc(0);
        return;
      }
      this.#isInStep = true;
      this.#received = this.#received.subarray(at + 1);
    }
    for (let end = this.#received.indexOf(10); end >= 0; end = this.#received.indexOf(10)) {
      const line = this.#received
        .subarray(0, end)
        .toString('utf8')
        .replace(/^\ufffd+/, '');
      this.#received = this.#received.subarray(end + 1);
      const answer = parse(line);
      if (answer !== undefined) this.#onAnswer(answer);
    }
    if (this.#received.length > MAX_LINE_BYTES) this.#socket.destroy();
  }
}

/** The guest may send what it likes. */
function parse(line: string): Answer | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function silent(why: string): GpuvmError {
  return new GpuvmError('GPUVM_GUEST_AGENT', `the guest's agent ${why}`);
}
