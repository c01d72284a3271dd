import type { EventEmitter } from 'node:events';
import type { VmConfig } from '../config/index.js';
import type { QemuProcess } from '../qemu/index.js';
import { QmpClient } from '../qmp/index.js';
import { monitorDeadlineMs, pinnedBytes } from './deadlines.js';
import { MonitorWatch, type Seen } from './monitor-watch.js';
import type { VmEvents } from './vm-events.js';
import { within } from './waiting.js';

/** A QEMU that ends closes its sockets a moment before it is gone. */
export const GONE_SOON_MS = 2_000;
/** How long its last words may take once it is gone. */
const LAST_EVENTS_MS = 1_000;

interface Listener {
  /** The guest was reset and runs on. */
  onReset(): void;
  /** The connection was lost and QEMU runs on. */
  onLost(why: string): void;
}

/** QEMU's monitor in one run of a VM: the connection, what it has told so far, and whether it is still there. */
export class Monitor {
  readonly #config: VmConfig;
  readonly #tell: EventEmitter<VmEvents>;
  readonly #listener: Listener;
  readonly #watch = new MonitorWatch();
  #qmp: QmpClient | undefined;
  /** Its end is no loss: another process goes on with it. */
  isPassedOn = false;

  constructor(config: VmConfig, tell: EventEmitter<VmEvents>, listener: Listener) {
    this.#config = config;
    this.#tell = tell;
    this.#listener = listener;
  }

  /** Once it is connected. */
  get qmp(): QmpClient | undefined {
    return this.#qmp;
  }

  get seen(): Seen {
    return this.#watch.seen;
  }

  /** Throws GPUVM_QMP_… where there is no greeting in time, and the signal's reason. */
  async connect(path: string, qemu: QemuProcess, signal: AbortSignal): Promise<QmpClient> {
    const deadlineMs = monitorDeadlineMs(this.#config);
    const qmp = await QmpClient.connect({
      path,
      deadlineMs,
      signal,
      pinnedRamBytes: pinnedBytes(this.#config),
    });
    this.follow(qmp, qemu);
    return qmp;
  }

  /** Goes on with another process's connection; without the state of it, if that was killed. */
  async adopt(
    { fd, state, seen }: { readonly fd: number; readonly state: unknown; readonly seen: unknown },
    qemu: QemuProcess,
    signal: AbortSignal | undefined,
  ): Promise<QmpClient> {
    if (seen) this.#watch.recall(seen as Partial<Seen>);
    const qmp = await QmpClient.adopt({ fd, state, signal, pinnedRamBytes: pinnedBytes(this.#config) });
    this.follow(qmp, qemu);
    return qmp;
  }

  follow(qmp: QmpClient, qemu: QemuProcess): void {
    this.#qmp = qmp;
    this.#watch.follow(qmp, {
      onEvent: (event) => this.#tell.emit('event', event),
      onPaused: (isPaused) => this.#tell.emit('paused', isPaused),
      onReset: () => this.#listener.onReset(),
    });
    void this.#watchEnd(qmp, qemu);
  }

  /** QEMU is gone: all that it has said is heard, and `seen` is whole. */
  async lastWords(): Promise<void> {
    if (this.#qmp) await within(LAST_EVENTS_MS, this.#qmp.ended);
  }

  close(): void {
    this.#qmp?.close();
  }

  async #watchEnd(qmp: QmpClient, qemu: QemuProcess): Promise<void> {
    const reason = await qmp.ended;
    if (this.isPassedOn) return;
    await within(GONE_SOON_MS, qemu.exited);
    if (qemu.isRunning) this.#listener.onLost(reason.message);
  }
}
