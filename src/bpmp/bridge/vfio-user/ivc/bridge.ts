import type { Bridge, BridgeEnd, RequestHandler } from '../../bridge.js';
import {
  chooseSharing,
  DeviceServer,
  Keep,
  type KeptIn,
  type Layout,
  type NamedFd,
  type ServerEnd,
  thisHost,
} from '../library.js';
import { IvcLink } from './link.js';
import { IvcMemory } from './memory.js';
import type { NotifyResult } from './notifications.js';

export interface IvcBridgeOptions {
  /** Where to listen for each of the two devices; a socket that is left over from a process that died is replaced. */
  readonly sockets: { readonly hsp: string; readonly sram: string };
  readonly layout: Layout | 'auto';
  readonly handler: RequestHandler;
  /** How long a request may take, 30,000 ms unless told; then it is answered -ETIMEDOUT. */
  readonly deadlineMs?: number;
  /** Whether the sockets stay when a guest has gone; see `VfioUserBridgeOptions`. */
  readonly keepListening?: boolean;
  /** Where its state outlives the process, for the one guest that there is then; without `keepListening`. */
  readonly kept?: KeptIn;
}

/**
 * Serves a BPMP to a VMM as the chip has it: a doorbell device and a shared memory with IVC channels, for a guest
 * whose kernel has the drivers of the mainline. The VMM connects to both sockets; the guest is gone when it leaves
 * either.
 */
export class IvcBridge implements Bridge {
  readonly layout: Layout;
  /** Why the layout is what it is, for people. */
  readonly layoutReason: string;
  /** Resolves once clients can connect; rejects with GPUVM_BRIDGE where a socket could not be opened. */
  readonly listening: Promise<void>;
  readonly #options: IvcBridgeOptions;
  readonly #servers: DeviceServer[] = [];
  #link: IvcLink | undefined;
  #isServing = false;
  #end: BridgeEnd | undefined;
  readonly #keep: Keep | undefined;

  /** Listens at once; clients are answered from `serve` on. Throws GPUVM_KERNEL_FEATURE where the layout cannot be. */
  constructor(options: IvcBridgeOptions) {
    this.#options = options;
    const { layout, reason } = chooseSharing(options.layout, thisHost());
    this.layout = layout;
    this.layoutReason = `ivc layout ${layout}: ${reason}`;
    this.#keep = options.kept && new Keep(options.kept);
    this.#keep?.same([layout === 'shared' ? 1 : 0]);
    this.listening = this.#listen();
    // Whoever only looks at how serving ended must not be struck down by it.
    this.listening.catch(() => {});
  }

  async #listen(): Promise<void> {
    const { sockets } = this.#options;
    try {
      for (const name of ['hsp', 'sram'] as const) {
        this.#servers.push(new DeviceServer(sockets[name], this.#keep && { in: this.#keep, name }));
      }
    } catch (error) {
      this.#stop({ reason: 'fault', message: (error as Error).message });
      throw error;
    }
  }

  /** Serves one guest; with `keepListening` it may be called again after `guest-gone` or a client's `fault`. */
  async serve(handler: RequestHandler = this.#options.handler): Promise<BridgeEnd> {
    const [hsp, sram] = this.#servers;
    if (this.#end !== undefined || hsp === undefined || sram === undefined) {
      return this.#end ?? { reason: 'closed' };
    }
    let link: IvcLink;
    try {
      link = this.#makeLink(handler);
    } catch (error) {
      return this.#stop({ reason: 'fault', message: (error as Error).message });
    }
    this.#isServing = true;
    this.#keep?.onDescriptors();
    if (this.#keep?.goesOn) link.resume();
    const serving = [hsp.serve(link.devices.hsp), sram.serve(link.devices.sram)];
    const first = outcomeOf(await Promise.race(serving));
    if (first.reason === 'handed-over') return this.#stop(first);
    // A guest with one of its two devices is none.
    hsp.disconnect();
    sram.disconnect();
    await Promise.all(serving);
    this.#isServing = false;
    link.end();
    if (this.#end !== undefined) return this.#end;
    return this.#options.keepListening === true && first.reason !== 'closed' ? first : this.#stop(first);
  }

  get canServeAgain(): boolean {
    return this.#options.keepListening === true && this.#end === undefined;
  }

  close(): void {
    this.#stop({ reason: 'closed' });
  }

  descriptors(): NamedFd[] {
    return [...this.#servers.flatMap(({ descriptors }) => descriptors), ...(this.#link?.descriptors ?? [])];
  }

  quiesce(deadlineMs: number): void {
    this.#isServing = false;
    const started = performance.now();
    const detach = () => {
      const isOver = performance.now() - started > deadlineMs || this.#link?.counters.inFlight === 0;
      if (!isOver) setTimeout(detach, 1);
      // No doorbell is taken any more, so what is not under way now waits for the successor.
      else for (const server of this.#servers) void server.detach(0);
    };
    detach();
  }

  /**
   * Sends a request of the BPMP to the guest, such as a thermal trip; never rejects for anything that the guest does.
   * One that comes before the guest's driver is there waits for it, as long as a request may take.
   * @param payload - up to 120 bytes
   */
  notify(mrq: number, payload: Uint8Array): Promise<NotifyResult> {
    return this.#isServing && this.#link !== undefined
      ? this.#link.notify(mrq, payload)
      : Promise.resolve({ outcome: 'unanswered', reason: 'gone' });
  }

  stats(): Record<string, number> {
    const sum = (key: 'connections' | 'errorReplies') =>
      this.#servers.reduce((total, { counts }) => total + counts[key], 0);
    return {
      ...this.#link?.counters,
      connections: sum('connections'),
      errorReplies: sum('errorReplies'),
    };
  }

  /** Memory of its own for each guest: a VMM that has gone may have kept the pages of the last one. */
  #makeLink(handler: RequestHandler): IvcLink {
    const { deadlineMs = 30_000 } = this.#options;
    const keep = this.#keep;
    this.#link = new IvcLink({ handler, memory: new IvcMemory(this.layout, keep), deadlineMs, keep });
    return this.#link;
  }

  #stop(end: BridgeEnd): BridgeEnd {
    this.#end ??= end;
    for (const server of this.#servers) server.close();
    return this.#end;
  }
}

function outcomeOf(end: ServerEnd): BridgeEnd {
  return end.reason === 'gone' ? { reason: 'guest-gone' } : end;
}
