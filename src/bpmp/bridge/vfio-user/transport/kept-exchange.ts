import { addon, WOULD_BLOCK } from '../../../../native/index.js';
import type { Exchange } from './exchange.js';
import { Sending } from './sending.js';

/** What is kept of one connection, as indices of 32-bit words. Positions count bytes since its start, and wrap. */
export const Kept = {
  /** Up to here frames have been dealt with. */
  HANDLED: 0,
  /** Up to here the stream was looked at; exact where something was handled and not yet taken off. */
  PEEKED: 1,
  /** Up to here it was taken off the socket, as far as known. */
  TAKEN: 2,
  /** The frame that {@link Kept.STAGE} is about; any other place than HANDLED says: about none. */
  FRAME_AT: 3,
  FRAME_SIZE: 4,
  STAGE: 5,
  /** Where the reply lies in the file of replies. */
  REPLY_START: 6,
  REPLY_END: 7,
  /** 1 more than the place of the frame with VERSION, once that was answered; 0 before. */
  STARTED: 8,
  /** How far the transfer has come that the frame stands for; the device's. */
  TRANSFER: 9,
} as const;
export const KEPT_WORDS = 12;

const Stage = { HANDLING: 1, ANSWERED: 2 } as const;

/**
 * The file of replies. Its memory is read by the peer out of these very pages, so a place is not written again before the
 * peer has read it: a socket holds a fifth of a MiB.
 */
export const REPLIES_SIZE = 0x80000;

/**
 * Kernels before 6.5 hand a file to a socket page by page, and the peer may look in between; QEMU takes half a header for
 * the end of the connection. So a reply lies within one page, or where it is larger, its header does.
 */
const PAGE = 0x1000;

/** Where a reply is put that would follow at this position. */
function placeFor(position: number, size: number): number {
  const isWithinPage = (position % PAGE) + size <= PAGE;
  const start = isWithinPage ? position : Math.ceil(position / PAGE) * PAGE;
  return start + size > REPLIES_SIZE ? 0 : start;
}

/**
 * Bytes stay on the socket until they have been dealt with, and a reply is sent from a file whose position the kernel moves
 * in the same instant. So whenever this process is killed, its successor knows which frame is next, whether that was
 * answered, and how much of the answer has gone.
 */
export class KeptExchange implements Exchange {
  readonly #fd: number;
  readonly #repliesFd: number;
  readonly #replies: Uint8Array;
  readonly #words: Int32Array;
  /** For replies with a descriptor, which no file can hold. */
  readonly #plain: Sending;
  /** The file's position. */
  #position = 0;
  /** Bytes of a reply that the socket did not take, and the frame that it answers. */
  #left = 0;
  #unfinished = 0;
  #isRepeat = false;

  /** @param goesOn - a former process has served this connection */
  constructor(fd: number, repliesFd: number, words: Int32Array, goesOn: boolean) {
    this.#fd = fd;
    this.#repliesFd = repliesFd;
    this.#replies = new Uint8Array(addon().mapMemory(repliesFd, REPLIES_SIZE));
    this.#words = words;
    this.#plain = new Sending(fd);
    if (goesOn) {
      this.#resume();
      return;
    }
    words.fill(0);
    addon().streamSetPeeked(fd, 0);
  }

  /** Whether the client has made itself known, to the former process. */
  get wasStarted(): boolean {
    const started = this.#words[Kept.STARTED];
    // The frame with VERSION itself may have to be handled anew.
    return started !== 0 && !(this.#isRepeat && started === ((this.#words[Kept.FRAME_AT] + 1) | 0));
  }

  receive(into: Uint8Array, at: number, room: number, fds: Int32Array): number {
    const count = addon().unixPeek(this.#fd, into, at, room, fds);
    if (count > 0) this.#words[Kept.PEEKED] += count;
    return count;
  }

  begin(size: number): void {
    const words = this.#words;
    // A transfer that a former process began is told from a new one by its mark.
    if (this.#isRepeat) this.#isRepeat = false;
    else words[Kept.TRANSFER] = 0;
    words[Kept.FRAME_SIZE] = size;
    words[Kept.STAGE] = Stage.HANDLING;
    words[Kept.FRAME_AT] = words[Kept.HANDLED];
  }

  send(bytes: Uint8Array, size: number, fd: number, isStarted: boolean): void {
    const words = this.#words;
    if (isStarted && words[Kept.STARTED] === 0) words[Kept.STARTED] = words[Kept.FRAME_AT] + 1;
    if (fd >= 0) {
      this.#plain.send(bytes, size, fd);
      return;
    }
    const start = placeFor(this.#position, size);
    for (let i = 0; i < size; i++) this.#replies[start + i] = bytes[i];
    words[Kept.REPLY_START] = start;
    words[Kept.REPLY_END] = start + size;
    words[Kept.STAGE] = Stage.ANSWERED;
    // Until here its position is before the reply's start or behind its end, which says that nothing of it was sent.
    if (start !== this.#position) addon().fileSetPosition(this.#repliesFd, start);
    this.#position = start;
    this.#left = size;
    this.#sendLeft();
  }

  finish(size: number): void {
    if (this.blocked) this.#unfinished = size;
    else this.#words[Kept.HANDLED] += size;
  }

  rest(): void {
    const words = this.#words;
    const count = (words[Kept.HANDLED] - words[Kept.TAKEN]) | 0;
    if (count === 0) return;
    addon().streamDiscard(this.#fd, count);
    words[Kept.TAKEN] = words[Kept.HANDLED];
  }

  get blocked(): boolean {
    return this.#left > 0 || this.#plain.blocked;
  }

  flush(): boolean {
    if (!this.#plain.flush()) return false;
    if (this.#left > 0 && !this.#sendLeft()) return false;
    if (this.#unfinished > 0) {
      this.#words[Kept.HANDLED] += this.#unfinished;
      this.#unfinished = 0;
      this.rest();
    }
    return true;
  }

  #sendLeft(): boolean {
    while (this.#left > 0) {
      const sent = addon().streamSendFile(this.#fd, this.#repliesFd, this.#left);
      if (sent === WOULD_BLOCK) return false;
      this.#position += sent;
      this.#left -= sent;
    }
    return true;
  }

  #resume(): void {
    const words = this.#words;
    if (words[Kept.HANDLED] !== words[Kept.TAKEN]) {
      const taken = (words[Kept.PEEKED] - addon().streamPeeked(this.#fd)) | 0;
      addon().streamDiscard(this.#fd, (words[Kept.HANDLED] - taken) | 0);
      words[Kept.TAKEN] = words[Kept.HANDLED];
    }
    const isUnderWay = words[Kept.FRAME_AT] === words[Kept.HANDLED];
    this.#position = addon().filePosition(this.#repliesFd);
    if (isUnderWay && words[Kept.STAGE] === Stage.ANSWERED) {
      // It need not be looked at, but it has to be counted: what is taken off is told from what was peeked at.
      this.#lookBehind(words[Kept.FRAME_SIZE]);
      this.#resumeSending();
    } else {
      this.#isRepeat = isUnderWay && words[Kept.STAGE] === Stage.HANDLING;
      this.#lookBehind(0);
    }
  }

  /** The next look begins so many bytes behind what was taken off. */
  #lookBehind(count: number): void {
    addon().streamSetPeeked(this.#fd, count);
    this.#words[Kept.PEEKED] = this.#words[Kept.TAKEN] + count;
  }

  #resumeSending(): void {
    const words = this.#words;
    const [start, end] = [words[Kept.REPLY_START], words[Kept.REPLY_END]];
    if (this.#position < start || this.#position > end) {
      addon().fileSetPosition(this.#repliesFd, start);
      this.#position = start;
    }
    this.#left = end - this.#position;
    this.#sendLeft();
    this.finish(words[Kept.FRAME_SIZE]);
    if (!this.blocked) this.rest();
  }
}
