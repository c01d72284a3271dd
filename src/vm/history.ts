/** One thing that happened: its name, when (ISO 8601), and its own fields, as a line of `--events` has it. */
export interface HistoryEvent {
  readonly event: string;
  readonly time: string;
  readonly [field: string]: unknown;
}

/** What is kept for whoever comes later. */
const KEPT_EVENTS = 500;
const KEPT_LINES = 500;
const KEPT_MILESTONES = 200;

/** What has happened to a VM lately, and who wants to hear of what happens next. */
export class History {
  readonly #events: HistoryEvent[] = [];
  readonly #milestones: HistoryEvent[] = [];
  readonly #lines: string[] = [];
  readonly #listeners = new Set<(event: HistoryEvent) => void>();
  readonly #followers = new Set<(line: string) => void>();

  /** What a guest's requests say is kept apart from milestones, or a busy guest would push those out. */
  add(event: string, fields: object = {}, isMilestone = true): void {
    const entry: HistoryEvent = { event, time: new Date().toISOString(), ...fields };
    this.#events.push(entry);
    if (this.#events.length > KEPT_EVENTS) this.#events.shift();
    if (isMilestone) this.#milestones.push(entry);
    if (this.#milestones.length > KEPT_MILESTONES) this.#milestones.shift();
    for (const listen of this.#listeners) listen(entry);
  }

  /** A line for people: QEMU's stderr, or a note of the supervisor's. */
  log(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    for (const follow of this.#followers) follow(line);
  }

  get events(): readonly HistoryEvent[] {
    return this.#events;
  }

  /** The states, rungs and events of the VM's life, from this time on (ms since the epoch). */
  milestonesSince(ms: number): HistoryEvent[] {
    return this.#milestones.filter(({ time }) => Date.parse(time) >= ms);
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  onEvent(fn: (event: HistoryEvent) => void): () => void {
    this.#listeners.add(fn);
    return () => void this.#listeners.delete(fn);
  }

  onLog(fn: (line: string) => void): () => void {
    this.#followers.add(fn);
    return () => void this.#followers.delete(fn);
  }
}
