import type { QmpClient, QmpEvent, QmpEvents } from '../qmp/index.js';

/** What QEMU's events told of the guest so far; a reset of the guest wipes what came before it. */
export interface Seen {
  /** The last SHUTDOWN. */
  readonly shutdown: QmpEvents['SHUTDOWN'] | undefined;
  /** The last GUEST_PANICKED since the guest began. */
  readonly panic: QmpEvents['GUEST_PANICKED'] | undefined;
  /** The last WATCHDOG since the guest began. */
  readonly watchdog: QmpEvents['WATCHDOG'] | undefined;
}

export interface MonitorListener {
  /** The guest, or somebody for it, was reset, and runs on from its start. */
  onReset(data: QmpEvents['RESET']): void;
  onPaused(isPaused: boolean): void;
  /** Each event as QEMU sent it, but for a flood of them. */
  onEvent(event: QmpEvent): void;
}

/** A guest can make QEMU send some events as often as it likes; nobody needs more of them a second. */
const MOST_PER_SECOND = 20;

/** Follows a QEMU's events from the first to the last. */
export class MonitorWatch {
  #shutdown: QmpEvents['SHUTDOWN'] | undefined;
  #panic: QmpEvents['GUEST_PANICKED'] | undefined;
  #watchdog: QmpEvents['WATCHDOG'] | undefined;
  #left = MOST_PER_SECOND;
  #secondEndsMs = 0;

  get seen(): Seen {
    return { shutdown: this.#shutdown, panic: this.#panic, watchdog: this.#watchdog };
  }

  /** Goes on from what another process saw. */
  recall({ shutdown, panic, watchdog }: Partial<Seen>): void {
    this.#shutdown = shutdown;
    this.#panic = panic;
    this.#watchdog = watchdog;
  }

  follow(qmp: QmpClient, listener: MonitorListener): void {
    qmp.on('*', (event) => {
      if (this.#mayPass()) listener.onEvent(event);
      switch (event.event) {
        case 'SHUTDOWN':
          this.#shutdown = event.data as QmpEvents['SHUTDOWN'];
          return;
        case 'GUEST_PANICKED':
          this.#panic = event.data as QmpEvents['GUEST_PANICKED'];
          return;
        case 'WATCHDOG':
          this.#watchdog = event.data as QmpEvents['WATCHDOG'];
          return;
        case 'RESET':
          this.#panic = undefined;
          this.#watchdog = undefined;
          listener.onReset(event.data as QmpEvents['RESET']);
          return;
        case 'STOP':
        case 'RESUME':
          listener.onPaused(event.event === 'STOP');
      }
    });
  }

  #mayPass(): boolean {
    const now = performance.now();
    if (now >= this.#secondEndsMs) {
      this.#left = MOST_PER_SECOND;
      this.#secondEndsMs = now + 1000;
    }
    return this.#left-- > 0;
  }
}
