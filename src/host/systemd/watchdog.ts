/** Fed three times in each interval, so that one late answer starves nobody. */
const FEEDS_PER_INTERVAL = 3;
/** Timers are whole milliseconds; a watchdog of less would be fed all the time. */
const MIN_PERIOD_MS = 10;

export interface WatchdogOptions {
  readonly intervalMs: number;
  /** Resolves if all is well; what it rejects with is why it is not. */
  readonly probe: (deadlineMs: number) => Promise<void>;
  readonly feed: () => void;
  /** Told when the probe begins to fail, and with `undefined` when it is well again. */
  readonly onTrouble: (why: string | undefined) => void;
}

/**
 * Feeds a watchdog from the event loop, and only after a probe that came back in time: where the loop hangs, or what is
 * probed does, it starves.
 */
export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #deadlineMs: number;
  #isProbing = false;
  #isOver = false;
  #trouble: string | undefined;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    const periodMs = Math.max(MIN_PERIOD_MS, Math.floor(options.intervalMs / FEEDS_PER_INTERVAL));
    this.#deadlineMs = periodMs;
    this.#timer = setInterval(() => void this.#tick(), periodMs);
    this.#timer.unref();
    void this.#tick();
  }

  stop(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
  }

  async #tick(): Promise<void> {
    if (this.#isProbing) return;
    this.#isProbing = true;
    const why = await within(this.#deadlineMs, this.#options.probe);
    this.#isProbing = false;
    if (this.#isOver) return;
    if (why === undefined) this.#options.feed();
    if (why !== this.#trouble) this.#options.onTrouble(why);
    this.#trouble = why;
  }
}

/** Why it failed, or undefined. */
async function within(
  deadlineMs: number,
  probe: (deadlineMs: number) => Promise<void>,
): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer for ${deadlineMs / 1000} s`), deadlineMs);
  });
  try {
    // Also what throws at once, and what rejects after the deadline, ends here.
    const answer = Promise.resolve(deadlineMs).then(probe);
    return await Promise.race([
      answer.then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      ),
      late,
    ]);
  } finally {
    clearTimeout(timer);
  }
}
