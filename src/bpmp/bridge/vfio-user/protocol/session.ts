import { Accesses } from './access.js';
import { answerDeviceInfo, answerInterruptInfo, answerRegionInfo } from './describe.js';
import type { Device } from './device.js';
import { answerDmaMap, answerDmaUnmap } from './dma.js';
import { Errno, invalid, RequestError, StreamError } from './error.js';
import type { Frame } from './frame.js';
import { answerSetInterrupts } from './interrupts.js';
import { Command } from './numbers.js';
import { Reply } from './reply.js';
import { answerVersion } from './version.js';

/** One client's conversation: a request in, a reply out, one at a time and in order. */
export class Session {
  readonly reply = new Reply();
  readonly #device: Device;
  readonly #accesses: Accesses;
  #started = false;
  /** Requests that were answered with an error. */
  errors = 0;

  constructor(device: Device) {
    this.#device = device;
    this.#accesses = new Accesses(device, this.reply);
  }

  /** Goes on with a client that has made itself known to a former process. */
  resume(): void {
    this.#started = true;
  }

  /** Whether the client has made itself known with VERSION. */
  get started(): boolean {
    return this.#started;
  }

  /**
   * Handles one frame; afterwards `reply` holds what to send. With a promise it does once that has resolved, and
   * the frame must stay as it is until then. Throws StreamError, or rejects with it, where the connection must end.
   */
  handle(frame: Frame): void | Promise<void> {
    this.reply.size = 0;
    if (!frame.isRequest) throw new StreamError('the client sent a reply, and nothing was asked of it');
    try {
      const pending = this.#dispatch(frame);
      if (pending !== undefined) {
        return pending.then(
          () => this.#finish(frame),
          (error: unknown) => this.#fail(frame, error),
        );
      }
    } catch (error) {
      this.#fail(frame, error);
      return;
    }
    this.#finish(frame);
  }

  #dispatch(frame: Frame): void | Promise<void> {
    const { command } = frame;
    if (command === Command.REGION_READ && this.#started) return this.#accesses.read(frame);
    if (command === Command.REGION_WRITE && this.#started) return this.#accesses.write(frame);
    if ((command === Command.VERSION) === this.#started) {
      throw invalid(this.#started ? 'VERSION comes once' : 'VERSION comes first');
    }
    switch (command) {
      case Command.VERSION:
        answerVersion(frame, this.reply);
        this.#started = true;
        return;
      case Command.DMA_MAP:
        return answerDmaMap(frame, this.reply);
      case Command.DMA_UNMAP:
        return answerDmaUnmap(frame, this.reply);
      case Command.DEVICE_GET_INFO:
        return answerDeviceInfo(frame, this.reply, this.#device);
      case Command.DEVICE_GET_REGION_INFO:
        return answerRegionInfo(frame, this.reply, this.#device);
      case Command.DEVICE_GET_IRQ_INFO:
        return answerInterruptInfo(frame, this.reply, this.#device);
      case Command.DEVICE_SET_IRQS:
        return answerSetInterrupts(frame, this.reply, this.#device);
      case Command.DEVICE_RESET:
        this.#device.reset();
        this.reply.begin(frame, 0);
        return;
      default:
        throw new RequestError(Errno.EOPNOTSUPP, `command ${command} is not offered`);
    }
  }

  #finish(frame: Frame): void {
    if (!frame.wantsReply) this.reply.size = 0;
  }

  #fail(frame: Frame, error: unknown): void {
    if (!(error instanceof RequestError)) {
      // A defect of ours. To go on would hide it, and the device may be half done.
      throw new StreamError(`the device failed: ${(error as Error).message}`, { cause: error });
    }
    this.errors++;
    this.reply.error(frame, error.errno);
    this.#finish(frame);
  }
}
