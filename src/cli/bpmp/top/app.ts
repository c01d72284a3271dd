import type { TransferRecord } from '../../../bpmp/capture/index.js';
import { edited } from './edit.js';
import type { Origin, VmFacts } from './facts.js';
import { type Opened, open, type Summary, summarize } from './model/summary.js';
import { Traffic } from './model/traffic.js';
import { navigated } from './navigate.js';
import { type Choice, firstUi, type Mistake, type Ui } from './ui.js';
import type { Picture } from './view/picture.js';

export type Matches = (record: TransferRecord) => boolean;

/** What a key asks of whoever runs the screen. */
export type Effect =
  | 'quit'
  /** All of it is wanted again, from the beginning: another filter. */
  | 'again'
  | 'list'
  | { readonly choose: string };

export interface AppOptions {
  readonly origin: Origin;
  /** Throws where the filter is none. */
  compile(text: string): Matches;
  /** What is wrong with a filter, and where. */
  mistakeOf(error: unknown): Mistake;
  fixOf(record: TransferRecord): string | undefined;
  /** Whether the stream can be had from its beginning again. */
  readonly isRepeatable: boolean;
  readonly filter?: string | undefined;
}

/** The screen without a terminal: transfers and keys go in, pictures come out. */
export class App {
  readonly #options: AppOptions;
  #ui: Ui = firstUi;
  /** Everything; and what the filter lets through, which is the same where there is none. */
  #all = new Traffic();
  #shown = this.#all;
  #matches: Matches | undefined;
  #facts: VmFacts | undefined;
  #ended: string | undefined;
  #notice: string | undefined;
  /** While it is held: what is shown, and what was opened since. */
  #held: { summary: Summary; facts: VmFacts | undefined; opened?: Opened | undefined } | undefined;
  #isReset = false;

  constructor(options: AppOptions) {
    this.#options = options;
    if (options.filter) this.#setFilter(options.filter);
  }

  get ui(): Ui {
    return this.#ui;
  }

  get hasTransfers(): boolean {
    return this.#all.all.count > 0;
  }

  /** Goes on where another one was: the same file, read again. */
  resume(ui: Ui): void {
    this.#ui = { ...ui, opened: undefined, pausedMs: undefined };
  }

  add(records: readonly TransferRecord[]): void {
    const matches = this.#matches;
    for (const record of records) {
      this.#all.add(record);
      if (matches?.(record)) this.#shown.add(record);
    }
  }

  setFacts(facts: VmFacts | undefined): void {
    this.#facts = facts;
  }

  /** The stream has ended; `how` stands in the title. */
  end(how: string): void {
    this.#ended = how;
  }

  notice(text: string): void {
    this.#notice = text;
  }

  /** The answer to `list`. */
  offer(vms: readonly Choice[]): void {
    if (vms.length === 0) this.#ui = { ...this.#ui, note: 'no other VM runs' };
    else this.#ui = { ...this.#ui, choice: { vms, at: 0 }, help: false };
  }

  /** Begins to count anew: `again`, or `r`. */
  clear(): void {
    this.#all = new Traffic();
    this.#shown = this.#matches ? new Traffic() : this.#all;
    this.#ended = undefined;
  }

  picture(nowMs: number): Picture {
    const { origin, fixOf } = this.#options;
    // What a file holds is over: its end is its present.
    const atMs = origin.kind === 'file' ? (this.#shown.lastMs ?? nowMs) : nowMs;
    const summary = this.#held?.summary ?? summarize(this.#shown, atMs);
    const facts = this.#held ? this.#held.facts : this.#facts;
    return {
      ui: this.#ui,
      origin,
      facts: facts && this.#isReset ? { ...facts, totals: undefined } : facts,
      summary,
      opened: this.#opened(summary.nowMs),
      ended: this.#ended,
      notice: this.#notice,
      fixOf,
    };
  }

  /** @param page - lines that a page key moves by */
  press(key: string, nowMs: number, page: number): Effect | undefined {
    const ui = { ...this.#ui, note: undefined };
    this.#ui = ui;
    if (key === 'ctrl-c') return 'quit';
    if (ui.edit) return this.#pressInFilter(key);
    if (ui.choice) return this.#pressInChoice(key);
    if (ui.help) {
      this.#ui = { ...ui, help: false };
      return key === 'q' ? 'quit' : undefined;
    }
    switch (key) {
      case 'q':
        return 'quit';
      case '?':
      case 'h':
        this.#ui = { ...ui, help: true };
        return undefined;
      case 'f':
      case '/':
        this.#ui = { ...ui, edit: { text: ui.filter, cursor: ui.filter.length } };
        return undefined;
      case 'p':
      case ' ':
        this.#hold(ui, nowMs);
        return undefined;
      case 'r':
        if (this.#options.origin.kind === 'file') return this.#options.isRepeatable ? 'again' : undefined;
        this.#isReset = true;
        this.clear();
        this.#held = undefined;
        this.#ui = { ...ui, opened: undefined, pausedMs: undefined, note: 'counting from here' };
        return undefined;
      case 'v':
        return this.#options.origin.kind === 'vm' ? 'list' : undefined;
      default:
        this.#ui = navigated(ui, key, this.picture(nowMs), page);
        return undefined;
    }
  }

  #opened(nowMs: number): Opened | undefined {
    const { opened } = this.#ui;
    if (opened === undefined) return undefined;
    const held = this.#held?.opened;
    if (held?.pane === opened.table && held.key === opened.key) return held;
    const found = open(this.#shown, opened.table, opened.key, nowMs);
    if (this.#held) this.#held.opened = found;
    return found;
  }

  #hold(ui: Ui, nowMs: number): void {
    const isHeld = this.#held !== undefined;
    const { summary, opened } = this.picture(nowMs);
    this.#held = isHeld ? undefined : { summary, facts: this.#facts, opened };
    this.#ui = { ...ui, pausedMs: isHeld ? undefined : nowMs };
  }

  #pressInFilter(key: string): Effect | undefined {
    const ui = this.#ui;
    if (key === 'escape') this.#ui = { ...ui, edit: undefined };
    else if (key !== 'enter') this.#ui = { ...ui, edit: edited(ui.edit!, key) };
    else {
      try {
        this.#setFilter(ui.edit!.text.trim());
        return this.#options.isRepeatable ? 'again' : undefined;
      } catch (error) {
        this.#ui = { ...ui, edit: { ...ui.edit!, mistake: this.#options.mistakeOf(error) } };
      }
    }
    return undefined;
  }

  #setFilter(text: string): void {
    const matches = text === '' ? undefined : this.#options.compile(text);
    this.#matches = matches;
    this.#shown = this.#all;
    if (matches) {
      // From what is kept; a stream that can be had again is read again.
      this.#shown = new Traffic();
      for (const { record } of this.#all.recent()) if (matches(record)) this.#shown.add(record);
    }
    this.#held = undefined;
    this.#ui = { ...this.#ui, filter: text, edit: undefined, opened: undefined, pausedMs: undefined };
  }

  #pressInChoice(key: string): Effect | undefined {
    const { vms, at } = this.#ui.choice!;
    const move = (to: number) => {
      this.#ui = { ...this.#ui, choice: { vms, at: Math.max(0, Math.min(vms.length - 1, to)) } };
    };
    if (key === 'q') return 'quit';
    if (key === 'up' || key === 'k') move(at - 1);
    else if (key === 'down' || key === 'j') move(at + 1);
    else if (key === 'escape') this.#ui = { ...this.#ui, choice: undefined };
    else if (key === 'enter') {
      this.#ui = { ...this.#ui, choice: undefined };
      return { choose: vms[at]!.name };
    }
    return undefined;
  }
}
