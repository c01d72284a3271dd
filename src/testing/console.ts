import { StringDecoder } from 'node:string_decoder';
import { type WaitOptions, waitFor } from './deadline.js';

export type { WaitOptions };

/** What was waited for, as it came. */
export interface ConsoleText {
  /** What matched. */
  readonly text: string;
  /** All that the guest said since the wait before this one, up to the match. */
  readonly before: string;
  /** A pattern's groups. */
  readonly groups: readonly (string | undefined)[];
}

/** The part of a VM's console that is needed. */
export interface ConsoleSource {
  recent(): Uint8Array;
  subscribe(fn: (chunk: Uint8Array) => void): () => void;
  write(data: Uint8Array): void | Promise<void>;
}

interface Surroundings {
  readonly deadlineMs: number;
  /** Why nothing more will come. */
  over(): string | undefined;
  onOver(fn: () => void): () => void;
}

/** What is kept for a test to search in, in characters; a guest that says more loses its first words. */
const KEPT = 8 * 1024 * 1024;
const CONTEXT_LINES = 15;

/** A guest's console as a test reads it: each wait goes on after what the wait before it found. */
export class TestConsole {
  readonly #source: ConsoleSource;
  readonly #surroundings: Surroundings;
  readonly #decoder = new StringDecoder('utf8');
  readonly #listeners = new Set<() => void>();
  #text = '';
  #cursor = 0;

  constructor(source: ConsoleSource, surroundings: Surroundings) {
    this.#source = source;
    this.#surroundings = surroundings;
    source.subscribe((chunk) => this.#push(chunk));
    this.#push(source.recent());
  }

  /** All that the guest has said, as far as it is kept (8 Mi characters). */
  get text(): string {
    return this.#text;
  }

  /**
   * Waits until the guest has said it, from the end of the last wait's match on. Throws GPUVM_WAIT with the console's last
   * lines where it does not come in time or the VM ends.
   */
  waitFor(wanted: string | RegExp, options: WaitOptions = {}): Promise<ConsoleText> {
    const { deadlineMs = this.#surroundings.deadlineMs, signal } = options;
    // Sticky and global patterns keep a place of their own.
    const pattern =
      typeof wanted === 'string' ? wanted : new RegExp(wanted.source, wanted.flags.replace(/[gy]/g, ''));
    return waitFor({
      what: `${typeof wanted === 'string' ? JSON.stringify(wanted) : String(wanted)} on the console`,
      deadlineMs,
      ...(signal && { signal }),
      look: () => this.#take(pattern),
      changed: (again) => {
        this.#listeners.add(again);
        const end = this.#surroundings.onOver(again);
        return () => {
          this.#listeners.delete(again);
          end();
        };
      },
      over: () => this.#surroundings.over(),
      context: () => this.#context(),
    });
  }

  /** Types it; a line needs its own `\n`. Resolves when the guest's UART may be given more. */
  async type(text: string | Uint8Array): Promise<void> {
    await this.#source.write(typeof text === 'string' ? Buffer.from(text) : text);
  }

  #push(chunk: Uint8Array): void {
    this.#text += this.#decoder.write(Buffer.from(chunk));
    const surplus = this.#text.length - KEPT;
    if (surplus > 0) {
      this.#text = this.#text.slice(surplus);
      this.#cursor = Math.max(0, this.#cursor - surplus);
    }
    for (const listener of [...this.#listeners]) listener();
  }

  #take(wanted: string | RegExp): ConsoleText | undefined {
    const rest = this.#text.slice(this.#cursor);
    const match = typeof wanted === 'string' ? plainMatch(rest, wanted) : patternMatch(rest, wanted);
    if (match === undefined) return undefined;
    this.#cursor += match.before.length + match.text.length;
    return match;
  }

  #context(): string {
    const lines = this.#text.trimEnd().split(/\r?\n/);
    if (this.#text.trim() === '') return ': it has said nothing';
    return `; its last lines:\n${lines
      .slice(-CONTEXT_LINES)
      .map((line) => `  ${line}`)
      .join('\n')}`;
  }
}

function plainMatch(text: string, wanted: string): ConsoleText | undefined {
  const at = text.indexOf(wanted);
  return at < 0 ? undefined : { text: wanted, before: text.slice(0, at), groups: [] };
}

function patternMatch(text: string, wanted: RegExp): ConsoleText | undefined {
  const match = wanted.exec(text);
  return match ? { text: match[0], before: text.slice(0, match.index), groups: match.slice(1) } : undefined;
}
