import type { ReadStream } from 'node:tty';
import type { GpuvmError } from '../../../errors.js';
import { placeOf } from '../source/place.js';
import { App, type AppOptions, type Effect } from './app.js';
import { listChoices } from './choices.js';
import { Feed } from './feed.js';
import type { Fixes } from './fixes.js';
import { Frames } from './terminal/frames.js';
import { type Looks, Painter } from './terminal/painter.js';
import { type ScreenStream, Terminal } from './terminal/terminal.js';
import type { Choice } from './ui.js';
import { screen } from './view/screen.js';

export interface SessionOptions {
  /** What to watch; undefined where it is to be chosen from `choices`. */
  readonly word: string | undefined;
  readonly choices: readonly Choice[];
  readonly stdin: ReadStream;
  readonly keyboard: ReadStream;
  readonly screen: ScreenStream;
  readonly looks: Looks;
  readonly intervalMs: number;
  readonly filters: Pick<AppOptions, 'compile' | 'mistakeOf'>;
  readonly fixes: Fixes;
  readonly filter?: string | undefined;
}

/** Lines that are no rows: what a page key does not move by. */
const FRAME_LINES = 8;

/** The screen at a terminal, until it is left; answers the exit status. */
export class Session {
  readonly #options: SessionOptions;
  readonly #terminal: Terminal;
  readonly #painter: Painter;
  readonly #frames: Frames;
  #app: App;
  #feed: Feed | undefined;
  #word: string | undefined;
  #problem: GpuvmError | undefined;
  #end: (status: number) => void = () => undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#painter = new Painter(options.looks);
    this.#terminal = new Terminal(options.keyboard, options.screen, {
      onKey: (key) => this.#press(key),
      onRedraw: () => {
        this.#painter.forget();
        this.#frames.draw();
      },
      onEnd: (signal) => this.#end(signal === undefined ? 0 : 128 + SIGNAL_NUMBERS[signal]!),
    });
    this.#frames = new Frames(
      () => this.#painter.paint(screen(this.#app.picture(Date.now()), this.#terminal.size)),
      (text) => this.#terminal.write(text),
    );
    this.#app = this.#appFor('', 'vm', false);
  }

  /** Throws what went wrong with a source before anything of it was there. */
  async run(): Promise<number> {
    const { word, choices, intervalMs } = this.#options;
    if (word !== undefined) await this.#watch(word);
    else this.#app.offer(choices);
    const ended = new Promise<number>((resolve) => {
      this.#end = resolve;
    });
    this.#terminal.open();
    this.#frames.draw();
    const timer = setInterval(() => this.#frames.draw(), intervalMs);
    try {
      const status = await ended;
      if (this.#problem) throw this.#problem;
      return status;
    } finally {
      clearInterval(timer);
      this.#feed?.leave();
      this.#terminal.close();
    }
  }

  async #watch(word: string): Promise<void> {
    const place = await placeOf(word);
    this.#feed?.leave();
    this.#word = word;
    const kind = place.kind === 'vm' ? 'vm' : 'file';
    const app = this.#appFor(
      place.kind === 'stdin' ? 'standard input' : place.name,
      kind,
      place.kind === 'file',
    );
    this.#app = app;
    this.#feed = new Feed(word, place, this.#options.stdin, {
      onTransfers: (records) => app.add(records),
      onFacts: (facts) => app.setFacts(facts),
      onNotice: (line) => app.notice(line),
      onEnd: (problem) => {
        if (problem && !app.hasTransfers) {
          this.#problem = problem;
          this.#end(0);
          return;
        }
        if (problem) app.notice(problem.message);
        app.end(kind === 'file' ? 'whole file' : 'ended');
        this.#frames.draw();
      },
    });
    if (place.kind === 'vm') void this.#options.fixes.listen(place.client, this.#feed.signal);
  }

  #appFor(name: string, kind: 'vm' | 'file', isRepeatable: boolean): App {
    const { filters, fixes, filter } = this.#options;
    return new App({
      origin: { name, kind },
      ...filters,
      fixOf: fixes.of,
      isRepeatable,
      filter: this.#app?.ui.filter ?? filter,
    });
  }

  #press(key: string): void {
    if (key === 'ctrl-l') this.#painter.forget();
    else {
      const page = Math.max(1, this.#terminal.size.rows - FRAME_LINES);
      const effect = this.#app.press(key, Date.now(), page);
      if (effect !== undefined) void this.#carryOut(effect);
    }
    this.#frames.draw();
  }

  async #carryOut(effect: Effect): Promise<void> {
    if (effect === 'quit') return this.#end(0);
    try {
      if (effect === 'list') this.#app.offer(await listChoices());
      else if (effect === 'again') await this.#again();
      else await this.#watch(effect.choose);
    } catch (error) {
      this.#app.notice(error instanceof Error ? error.message : String(error));
    }
    this.#frames.draw();
  }

  /** The same file from its beginning, for another filter. */
  async #again(): Promise<void> {
    const { ui } = this.#app;
    await this.#watch(this.#word!);
    this.#app.resume(ui);
  }
}

/** signal(7): a shell tells a program that a signal ended by 128 and its number. */
const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 };
