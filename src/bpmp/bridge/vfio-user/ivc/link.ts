import type { RequestHandler } from '../../bridge.js';
import type { Device, Keep, NamedFd } from '../library.js';
import { NOTIFY_CHANNEL, REQUEST_CHANNELS } from './abi.js';
import { END_WORDS, IvcEnd } from './end.js';
import { HspDevice } from './hsp.js';
import type { IvcMemory } from './memory.js';
import { NotifyChannel, type NotifyResult } from './notifications.js';
import { newRequestCounters } from './request-counters.js';
import { RequestChannel } from './requests.js';
import { SramDevice } from './sram.js';

export interface IvcLinkOptions {
  readonly handler: RequestHandler;
  readonly memory: IvcMemory;
  readonly deadlineMs: number;
  /** Where the state outlives the process; by a former one, what it goes on with. */
  readonly keep?: Keep | undefined;
}

/** One guest's two devices, and the channels between them. */
export class IvcLink {
  readonly #memory: IvcMemory;
  readonly #hsp: HspDevice;
  readonly #sram: SramDevice;
  readonly #counters = { ...newRequestCounters(), notifies: 0, notifiesAcknowledged: 0 };
  readonly #ends: readonly IvcEnd[];
  readonly #channels: readonly RequestChannel[];
  readonly #notifications: NotifyChannel;
  /** By number, for those that are served. */
  readonly #byNumber = new Map<number, { service(): boolean }>();

  constructor({ handler, memory, deadlineMs, keep }: IvcLinkOptions) {
    this.#memory = memory;
    const onReset = () => this.#powerOn();
    this.#hsp = new HspDevice({ onRing: () => this.#look(this.#byNumber.values()), onReset }, keep);
    this.#sram = new SramDevice(memory, { onHeader: (channel) => this.#onHeader(channel), onReset }, keep);
    const notify = () => this.#hsp.ring();
    const context = { handler, deadlineMs, counters: this.#counters, notify };
    const notifyEnd = new IvcEnd(memory, NOTIFY_CHANNEL, keep?.words(END_WORDS));
    this.#notifications = new NotifyChannel(notifyEnd, this.#counters, deadlineMs, keep);
    const ends = REQUEST_CHANNELS.map((number) => new IvcEnd(memory, number, keep?.words(END_WORDS)));
    this.#ends = [...ends, notifyEnd];
    this.#channels = ends.map((end) => new RequestChannel(end, context, keep));
    for (const [i, number] of REQUEST_CHANNELS.entries()) {
      this.#byNumber.set(number, this.#channels[i] as RequestChannel);
    }
    this.#byNumber.set(NOTIFY_CHANNEL, this.#notifications);
  }

  /** Goes on with what a former process had under way, before anything of the guest's is looked at. */
  resume(): void {
    for (const channel of this.#channels) channel.resume();
    this.#notifications.resume();
    this.#look(this.#byNumber.values());
    // It may have died after it had put an answer and before it rang; a ring too many is one look for nothing.
    if (this.#ends.some(({ hasMet }) => hasMet)) this.#hsp.ring();
    this.#hsp.resumeInterrupt();
  }

  /** What a successor needs. */
  get descriptors(): NamedFd[] {
    return [...this.#hsp.descriptors, ...this.#memory.descriptors];
  }

  get devices(): { readonly hsp: Device; readonly sram: Device } {
    return { hsp: this.#hsp, sram: this.#sram };
  }

  get counters(): Record<string, number> {
    const inFlight = this.#channels.filter(({ isBusy }) => isBusy).length;
    const { counters, interruptCounters } = this.#hsp;
    return { ...this.#counters, inFlight, ...counters, ...interruptCounters, ...this.#sram.counters };
  }

  /** Asks the guest; resolves when it has answered, or with the reason why it did not. */
  notify(mrq: number, payload: Uint8Array): Promise<NotifyResult> {
    const result = this.#notifications.add(mrq, payload);
    this.#look([this.#notifications]);
    return result;
  }

  /** The guest is gone. */
  end(): void {
    for (const channel of this.#channels) channel.abandon();
    this.#notifications.abandon('gone');
    this.#memory.close();
  }

  #onHeader(number: number): void {
    const channel = this.#byNumber.get(number);
    if (channel !== undefined) this.#look([channel]);
  }

  /** Each channel is looked at once, whatever the guest does meanwhile; it is told once for all of them. */
  #look(channels: Iterable<{ service(): boolean }>): void {
    let notify = false;
    for (const channel of channels) notify = channel.service() || notify;
    if (notify) this.#hsp.ring();
  }

  /** A machine's reset comes to both devices, and is the same from either. */
  #powerOn(): void {
    for (const channel of this.#channels) channel.abandon();
    this.#notifications.abandon('restarted');
    for (const end of this.#ends) end.powerOn();
    this.#memory.clear();
  }
}
