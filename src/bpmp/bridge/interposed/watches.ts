import { addon, type Readiness, Ready } from '../../../native/index.js';

/** Descriptors that the event loop looks at while it is asked to; kept from one time to the next. */
export class Watches {
  readonly #watches: Readiness[];

  constructor(fds: readonly number[], onReady: () => void) {
    this.#watches = fds.map((fd) => new (addon().Readiness)(fd, onReady));
  }

  start(): void {
    // A hang-up is reported as readable too; which of the two it is, the descriptor itself says.
    for (const watch of this.#watches) watch.watch(Ready.READABLE | Ready.DISCONNECT);
  }

  stop(): void {
    for (const watch of this.#watches) watch.watch(0);
  }

  close(): void {
    for (const watch of this.#watches) watch.close();
  }
}
