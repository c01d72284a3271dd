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
  /** Whether to wait for another client when one has gone; otherwise that is the end. */
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
  readonly #memory: WindowMemory;
  readonly #device: WindowDevice;
  #listener: Listener | undefined;
  #readiness: Readiness | undefined;
  #connection: Connection | undefined;
  #connections = 0;
  /** Error replies of the connections before this one. */
  #errors = 0;
  #finish: ((end: BridgeEnd) => void) | undefined;
  #end: BridgeEnd | undefined;

  /**
   * Listens at once; clients are answered from `serve` on. Throws GPUVM_CONFIG or GPUVM_KERNEL_FEATURE where the
   * address or the layout cannot be.
   */
  constructor(options: VfioUserBridgeOptions) {
    this.#options = options;
    const { handler, guestAddress = DEFAULT_WINDOW_ADDRESS, deadlineMs = 30_000 } = options;
    const placement = placeWindow(guestAddress);
    const { layout, reason } = chooseLayout(options.layout, placement, {
      arch: process.arch,
      pageSize: addon().pageSize(),
      maintainsCache: addon().maintainsCache,
    });
    this.window = { layout, guestAddress };
    this.layoutReason = `window layout ${layout}: ${reason}`;
    const { windowOffset } = placement;
    this.#memory = new WindowMemory(layout, windowOffset);
    this.#device = new WindowDevice({ handler, memory: this.#memory, windowOffset, deadlineMs });
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

  serve(): Promise<BridgeEnd> {
    return new Promise((resolve) => {
      this.#finish = resolve;
      if (this.#end !== undefined || this.#listener === undefined) {
        resolve(this.#end ?? { reason: 'closed' });
        return;
      }
      const listener = this.#listener;
      const { Readiness: ReadinessClass } = addon();
      this.#readiness = new ReadinessClass(listener.fd, () => this.#accept(listener));
      this.#readiness.watch(Ready.READABLE);
    });
  }

  close(): void {
    this.#stop({ reason: 'closed' });
  }

  stats(): Record<string, number> {
    const errors = this.#errors + (this.#connection?.session.errors ?? 0);
    return { ...this.#device.counters, connections: this.#connections, errorReplies: errors };
  }

  #accept(listener: Listener): void {
    let fd: number | undefined;
    try {
      fd = listener.accept();
    } catch (error) {
      this.#stop({ reason: 'fault', message: (error as Error).message });
      return;
    }
    if (fd === undefined) return;
    // The event loop may tell of the next client before it tells that the last one has gone.
    this.#connection?.look();
    if (this.#connection !== undefined) {
      // A second client at a time would be a second guest in the same window.
      closeSync(fd);
      return;
    }
    this.#connections++;
    this.#connection = new Connection(fd, this.#device, (end) => this.#onEnd(end));
  }

  #onEnd(end: ConnectionEnd): void {
    const { started, errors } = (this.#connection as Connection).session;
    this.#connection = undefined;
    this.#errors += errors;
    if (this.#end !== undefined) return;
    // Somebody who only tried whether anyone answers was no guest.
    if (this.#options.keepListening || (end.reason === 'gone' && !started)) this.#device.reset();
    else this.#stop(end.reason === 'gone' ? { reason: 'guest-gone' } : end);
  }

  #stop(end: BridgeEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#connection?.close();
    this.#readiness?.close();
    this.#listener?.close();
    this.#memory.close();
    this.#finish?.(end);
  }
}
