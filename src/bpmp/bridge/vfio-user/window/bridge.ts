import type { Bridge, BridgeEnd, NamedFd, RequestHandler } from '../../bridge.js';
import { DeviceServer, Keep, type KeptIn, thisHost } from '../library.js';
import { WindowDevice } from './device.js';
import { chooseLayout } from './layout.js';
import { WindowMemory } from './memory.js';
import { DEFAULT_WINDOW_ADDRESS, placeWindow, type WindowLayout } from './placement.js';

export interface VfioUserBridgeOptions {
  /** Where to listen; a socket that is left over from a process that died is replaced. */
  readonly socketPath: string;
  /** One that listens at `socketPath` already (`listenAt`), and is the bridge's from here on. */
  readonly listenerFd?: number | undefined;
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
  /** Where its state outlives the process, for the one guest that there is then; without `keepListening`. */
  readonly kept?: KeptIn;
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
  #server: DeviceServer | undefined;
  #device: WindowDevice | undefined;
  #end: BridgeEnd | undefined;
  #memory: WindowMemory | undefined;
  readonly #keep: Keep | undefined;

  /**
   * Listens at once; clients are answered from `serve` on. Throws GPUVM_CONFIG or GPUVM_KERNEL_FEATURE where the
   * address or the layout cannot be.
   */
  constructor(options: VfioUserBridgeOptions) {
    this.#options = options;
    const { guestAddress = DEFAULT_WINDOW_ADDRESS } = options;
    const placement = placeWindow(guestAddress);
    const { layout, reason } = chooseLayout(options.layout, placement, thisHost());
    this.window = { layout, guestAddress };
    this.layoutReason = `window layout ${layout}: ${reason}`;
    this.#windowOffset = placement.windowOffset;
    this.#keep = options.kept && new Keep(options.kept);
    this.#keep?.same([layout === 'shared' ? 1 : 0, placement.windowOffset]);
    this.listening = this.#listen();
    // Whoever only looks at how serving ended must not be struck down by it.
    this.listening.catch(() => {});
  }

  async #listen(): Promise<void> {
    try {
      this.#server = new DeviceServer(
        this.#options.socketPath,
        this.#keep && { in: this.#keep, name: 'window' },
        this.#options.listenerFd,
      );
    } catch (error) {
      this.#stop({ reason: 'fault', message: (error as Error).message });
      throw error;
    }
  }

  /**
   * Serves one guest. With `keepListening` it may be called again after `guest-gone` or a client's `fault`, with
   * another guest's handler; the counters of {@link stats} start anew.
   */
  async serve(handler: RequestHandler = this.#options.handler): Promise<BridgeEnd> {
    if (this.#end !== undefined || this.#server === undefined) return this.#end ?? { reason: 'closed' };
    // Memory of its own for each guest: a VMM that has gone may have kept the page of the last one.
    let memory: WindowMemory;
    try {
      memory = new WindowMemory(this.window.layout, this.#windowOffset, this.#keep);
    } catch (error) {
      return this.#stop({ reason: 'fault', message: (error as Error).message });
    }
    const windowOffset = this.#windowOffset;
    const { deadlineMs = 30_000, keepListening } = this.#options;
    const keep = this.#keep;
    const mark = this.#server.transferMark;
    this.#device = new WindowDevice({ handler, memory, windowOffset, deadlineMs, keep, mark });
    this.#memory = memory;
    keep?.onDescriptors();
    const served = await this.#server.serve(this.#device);
    memory.close();
    const end: BridgeEnd = served.reason === 'gone' ? { reason: 'guest-gone' } : served;
    return keepListening === true && end.reason !== 'closed' ? end : this.#stop(end);
  }

  get canServeAgain(): boolean {
    return this.#options.keepListening === true && this.#end === undefined;
  }

  close(): void {
    this.#stop({ reason: 'closed' });
  }

  descriptors(): NamedFd[] {
    return [...(this.#server?.descriptors ?? []), ...(this.#memory?.descriptors ?? [])];
  }

  quiesce(deadlineMs: number): void {
    void this.#server?.detach(deadlineMs);
  }

  stats(): Record<string, number> {
    return { ...this.#device?.counters, ...this.#server?.counts };
  }

  #stop(end: BridgeEnd): BridgeEnd {
    this.#end ??= end;
    this.#server?.close();
    return this.#end;
  }
}
