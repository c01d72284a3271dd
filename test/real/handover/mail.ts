import type { NamedFd } from '../../../src/bpmp/worker/index.js';
import { addon, WOULD_BLOCK } from '../../../src/native/index.js';

/** What a supervisor of these tests tells the keeper of its descriptors. */
export interface Mail {
  readonly what: 'kept' | 'ready' | 'handed-over' | 'ended' | 'failed';
  /** Of `kept` and `handed-over`; the numbers are the sender's, and the receiver's own after `take`. */
  readonly fds?: readonly NamedFd[];
  readonly value?: unknown;
}

/** Sends one mail with its descriptors. */
export function post(socketFd: number, mail: Mail): void {
  const bytes = Buffer.from(`${JSON.stringify(mail)}\n`);
  const fds = Int32Array.from(mail.fds?.map(({ fd }) => fd) ?? []);
  for (let at = 0; at < bytes.length; ) {
    const sent = addon().unixSend(
      socketFd,
      bytes,
      at,
      bytes.length - at,
      at === 0 && fds.length > 0 ? fds : undefined,
    );
    if (sent !== WOULD_BLOCK) at += sent;
  }
}

/** Takes mails off a socket; descriptors come in the order of the mails that they belong to. */
export class Inbox {
  readonly #socketFd: number;
  readonly #bytes = new Uint8Array(1 << 16);
  readonly #fds = new Int32Array(64);
  #text = '';
  #waiting: number[] = [];

  constructor(socketFd: number) {
    this.#socketFd = socketFd;
  }

  /** What has come; `undefined` at the end of the stream. */
  take(): Mail[] | undefined {
    const mails: Mail[] = [];
    for (;;) {
      const count = addon().unixReceive(this.#socketFd, this.#bytes, 0, this.#bytes.length, this.#fds);
      if (count === WOULD_BLOCK) return mails;
      if (count === 0) return mails.length > 0 ? mails : undefined;
      this.#waiting.push(...this.#fds.subarray(1, 1 + this.#fds[0]));
      this.#text += Buffer.from(this.#bytes.subarray(0, count)).toString();
      const lines = this.#text.split('\n');
      this.#text = lines.pop() as string;
      for (const line of lines) mails.push(this.#open(JSON.parse(line) as Mail));
    }
  }

  /** Descriptors of a mail whose sender died in the middle of it. */
  discard(): void {
    for (const fd of this.#waiting.splice(0)) addon().closeFd(fd);
    this.#text = '';
  }

  #open(mail: Mail): Mail {
    if (mail.fds === undefined) return mail;
    const own = this.#waiting.splice(0, mail.fds.length);
    return { ...mail, fds: mail.fds.map(({ name }, index) => ({ name, fd: own[index] as number })) };
  }
}
