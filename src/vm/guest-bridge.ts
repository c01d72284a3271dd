import type { EventEmitter } from 'node:events';
import { dirname } from 'node:path';
import type { BridgeEnded, BridgeHandle, TakeOver } from '../bpmp/worker/index.js';
import type { VmConfig } from '../config/index.js';
import { openBridge, type VmBridge } from './bridge/index.js';
import type { RuntimeFolder } from './runtime-folder.js';
import type { Named } from './tree/index.js';
import type { VmEvents, VmOptions } from './vm-events.js';
import { unlessAborted, within } from './waiting.js';

/** How long the bridge may take to come up after all, and to give back what the guest holds, once QEMU is gone. */
const END_MS = 15_000;

interface Opening {
  /** What of the BPMP's the guest's tree names, where gpuvm makes that tree. */
  readonly named?: Promise<Named> | undefined;
  readonly takeOver?: TakeOver;
  /** Called off, what comes of it later is closed at the end all the same. */
  readonly signal: AbortSignal;
}

/** The bridge of one run of a VM, from its first step to the giving back of what the guest held. */
export class GuestBridge {
  readonly #config: VmConfig;
  readonly #options: VmOptions;
  readonly #tell: EventEmitter<VmEvents>;
  readonly #onFault: (why: string) => void;
  #opening: Promise<VmBridge | undefined> = Promise.resolve(undefined);
  #serving: Promise<BridgeHandle | undefined> = Promise.resolve(undefined);
  #handle: BridgeHandle | undefined;
  #ending: Promise<BridgeEnded | undefined> | undefined;

  /** @param onFault - told once, where the bridge ends by itself: the guest has no power firmware from then on. */
  constructor(
    config: VmConfig,
    options: VmOptions,
    tell: EventEmitter<VmEvents>,
    onFault: (why: string) => void,
  ) {
    this.#config = config;
    this.#options = options;
    this.#tell = tell;
    this.#onFault = onFault;
  }

  /** Once it serves, until it has ended. */
  get handle(): BridgeHandle | undefined {
    return this.#handle;
  }

  /** Resolves when it serves, with undefined where the VM has none; rejects with why it cannot. */
  get serving(): Promise<BridgeHandle | undefined> {
    return this.#serving;
  }

  /** Begins it; it may be up later: see `serving`. */
  async open(folder: RuntimeFolder, { named, takeOver, signal }: Opening): Promise<VmBridge | undefined> {
    const { record = false, startBridge: start, ledgerFile, openBridge: open = openBridge } = this.#options;
    this.#opening = open(this.#config, folder, { record, start, ledgerFile, named, takeOver });
    const bridge = await unlessAborted(this.#opening, signal);
    this.#serving = this.#serve(bridge);
    // It may fail while QEMU starts, and is looked at only then.
    this.#serving.catch(() => undefined);
    return bridge;
  }

  /** What the guest held before it was reset goes back. */
  async guestReset(): Promise<void> {
    const release = await this.#handle?.guestReset().catch(() => undefined);
    this.#tell.emit('guest-reset', release);
  }

  /** QEMU is gone, or never came: gives back what the guest held. However often it is called, it ends once. */
  end(): Promise<BridgeEnded | undefined> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #serve(bridge: VmBridge | undefined): Promise<BridgeHandle | undefined> {
    const handle = await bridge?.ready;
    if (handle === undefined || this.#ending !== undefined) return handle;
    this.#handle = handle;
    this.#tell.emit('bridge', handle, handle.ready);
    void handle.ended.then(({ end }) => {
      if (end.reason === 'closed' || end.reason === 'handed-over') return;
      this.#onFault(end.reason === 'fault' ? end.message : 'QEMU closed its connection to it for good');
    });
    return handle;
  }

  async #end(): Promise<BridgeEnded | undefined> {
    const hasServed = this.#handle !== undefined;
    const ended = await within(END_MS, this.#close());
    this.#handle = undefined;
    const whole = ended?.end.reason === 'fault' ? await this.#recovered(ended) : ended;
    if (whole && hasServed) this.#tell.emit('bridge-ended', whole);
    return whole;
  }

  async #close(): Promise<BridgeEnded | undefined> {
    const bridge = await this.#opening.catch(() => undefined);
    bridge?.spawned();
    const handle = await bridge?.ready.catch(() => undefined);
    return handle?.close();
  }

  /** A thread that died gave nothing back; what its guest held is in the ledger's file. */
  async #recovered(ended: BridgeEnded): Promise<BridgeEnded> {
    const { ledgerFile } = this.#options;
    if (ledgerFile === undefined) return ended;
    const { recoverHoldings } = await import('../bpmp/worker/index.js');
    const folder = dirname(dirname(ledgerFile));
    const [found] = await recoverHoldings(folder, { vm: this.#config.name });
    if (found?.problem !== undefined) this.#tell.emit('note', found.problem);
    if (found?.release === undefined || found.release.entries.length === 0) return ended;
    const { givenBack, kept, failed } = found.release;
    this.#tell.emit(
      'note',
      `what the guest held of the BPMP when its bridge died: ${givenBack} given back, ${kept} kept, ${failed} failed`,
    );
    return { ...ended, release: found.release };
  }
}
