import { closeSync } from 'node:fs';
import { addon, type Readiness, Ready } from '../../../native/index.js';
import type { Bridge, BridgeEnd, RequestHandler } from '../bridge.js';
import { Connection, type ConnectionEnd } from './transport/connection.js';
import { Listener } from './transport/listener.js';
import { WindowDevice } from './window/device.js';
import { chooseLayout } from './window/layout.js';
import { WindowMemory } from './window/memory.js';
import { DEFAULT_WINDOW_ADDRESS, placeWindow, type WindowLayout } from './window/placement.js';

export interface VfioUserBridgeOptions {
  /** Where to listen; a socket that is left over from a process that died is replaced. */
  readonly socketPath: string;
  readonly layout: WindowLayout | 'auto';
  /** The window's guest-physical address, the tree's `virtual-pa`; {@link DEFAULT_WINDOW_ADDRESS} unless told. */
  readonly guestAddress?: bigint;
  readonly handler: RequestHandler;
  /** How long a transfer may keep the guest's CPU waiting, 30,000 ms unless told; then it is answered -ETIMEDOUT. */
  readonly deadlineMs?: number;
  /**
   * Whether the socket stays when a guest has gone. `serve` still resolves then; the next client waits in the
   * queue until it is called again. Otherwise the first guest is the last.
   */
  readonly keepListening?: boolean;
}

/**
 * Serves the BPMP window to a VMM over vfio-user. One client at a time: a QEMU connects once and never again, so
 * when it goes, its guest has gone.
 */
export class VfioUserBridge implements Bridge {
  /** How the window's accesses are served, and where the guest finds it: its tree's `virtual-pa`. */
  readonly window: { readonly layout: WindowLayout; readonly guestAddress: bigint };
  /** Why the layout is what it is, for people. */
  readonly layoutReason: string;
  /** Resolves once clients can connect; rejects with GPUVM_BRIDGE where the socket could not be opened. */
  readonly listening: Promise<void>;
  readonly #options: VfioUserBridgeOptions;
  readonly #windowOffset: number;
  #memory: WindowMemory | undefined;
  #device: WindowDevice | undefined;
  #listener: Listener | undefined;
  #readiness: Readiness | undefined;
  #connection: Connection | undefined;
  /** Of this guest's time; error replies without those of the connection that is there. */
  #counts = { connections: 0, errorReplies: 0 };
  #serving = false;
  #finish: ((end: BridgeEnd) => void) | undefined;
  #end: BridgeEnd | undefined;

  /**
   * Listens at once; clients are answered from `serve` on. Throws GPUVM_CONFIG or GPUVM_KERNEL_FEATURE where the
   * address or the layout cannot be.
   */
  constructor(options: VfioUserBridgeOptions) {
    this.#options = options;
    const { guestAddress = DEFAULT_WINDOW_ADDRESS } = options;
    const placement = placeWindow(guestAddress);
    const { layout, reason } = chooseLayout(options.layout, placement, {
      arch: process.arch,
      pageSize: addon().pageSize(),
      maintainsCache: addon().maintainsCache,
    });
    this.window = { layout, guestAddress };
    this.layoutReason = `window layout ${layout}: ${reason}`;
    this.#windowOffset = placement.windowOffset;
    this.listening = this.#listen();
    // Whoever only looks at how serving ended must not be struck down by it.
    this.listening.catch(() => {});
  }

  async #listen(): Promise<void> {
    try {
      this.#listener = Listener.open(this.#options.socketPath);
    } catch (error) {
      this.#stop({ reason: 'fault', message: (error as Error).message });
      throw error;
    }
  }

  /**
   * Serves one guest. With `keepListening` it may be called again after `guest-gone` or a client's `fault`, with
   * another guest's handler; the counters of {@link stats} start anew.
   */
  serve(handler: RequestHandler = this.#options.handler): Promise<BridgeEnd> {
    return new Promise((resolve) => {
      if (this.#end !== undefined || this.#listener === undefined) {
        resolve(this.#end ?? { reason: 'closed' });
        return;
      }
      this.#finish = resolve;
      this.#serving = true;
      try {
        this.#makeDevice(handler);
      } catch (error) {
        this.#stop({ reason: 'fault', message: (error as Error).message });
        return;
      }
      this.#counts = { connections: 0, errorReplies: 0 };
      const listener = this.#listener;
      const { Readiness: ReadinessClass } = addon();
      this.#readiness = new ReadinessClass(listener.fd, () => this.#accept(listener));
      this.#readiness.watch(Ready.READABLE);
    });
  }

  /** Memory of its own for each guest: a VMM that has gone may have kept the page of the last one. */
  #makeDevice(handler: RequestHandler): void {
    const windowOffset = this.#windowOffset;
    const { deadlineMs = 30_000 } = this.#options;
    this.#memory?.close();
    this.#memory = new WindowMemory(this.window.layout, windowOffset);
    this.#device = new WindowDevice({ handler, memory: this.#memory, windowOffset, deadlineMs });
  }

  get canServeAgain(): boolean {
    return this.#options.keepListening === true && this.#end === undefined;
  }

  close(): void {
    this.#stop({ reason: 'closed' });
  }

  stats(): Record<string, number> {
    const { connections, errorReplies } = this.#counts;
    const now = this.#connection?.session.errors ?? 0;
    return { ...this.#device?.counters, connections, errorReplies: errorReplies + now };
  }

  #accept(listener: Listener): void {
    // The event loop may tell of the next client before it tells that the last one has gone.
    this.#connection?.look();
    if (!this.#serving) return;
    let fd: number | undefined;
    try {
      fd = listener.accept();
    } catch (error) {
      this.#stop({ reason: 'fault', message: (error as Error).message });
      return;
    }
    if (fd === undefined) return;
    const device = this.#device;
    if (device === undefined || this.#connection !== undefined) {
      // A second client at a time would be a second guest in the same window.
      closeSync(fd);
      return;
    }
    this.#counts.connections++;
    this.#connection = new Connection(fd, device, (end) => this.#onEnd(end));
  }

  #onEnd(end: ConnectionEnd): void {
    const { started, errors } = (this.#connection as Connection).session;
    this.#connection = undefined;
    this.#counts.errorReplies += errors;
    if (this.#end !== undefined) return;
    // Somebody who only tried whether anyone answers was no guest.
    if (end.reason === 'gone' && !started) return;
    const outcome: BridgeEnd = end.reason === 'gone' ? { reason: 'guest-gone' } : end;
    if (!this.#options.keepListening) {
      this.#stop(outcome);
      return;
    }
    this.#serving = false;
    this.#readiness?.close();
    this.#finish?.(outcome);
  }

  #stop(end: BridgeEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#serving = false;
    this.#connection?.close();
    this.#readiness?.close();
    this.#listener?.close();
    this.#memory?.close();
    this.#finish?.(end);
  }
}
