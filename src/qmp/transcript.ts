import { redactMessage } from './redact.js';

export type Direction = 'out' | 'in';

/** One line of a transcript: what was said when, in ms since its beginning, or that it ended. */
export type TranscriptEntry =
  | { readonly timeMs: number; readonly direction: Direction; readonly message: unknown }
  /** A line that is no JSON, its first part. */
  | { readonly timeMs: number; readonly direction: Direction; readonly text: string }
  /** A message that was too long to keep. */
  | { readonly timeMs: number; readonly direction: Direction; readonly omittedBytes: number }
  | { readonly timeMs: number; readonly ended: string };

export interface TranscriptOptions {
  /** What may be kept of a message; by default {@link redactMessage}. What it throws stands in for the message. */
  readonly redact?: (message: unknown, direction: Direction) => unknown;
  /** How much is kept, in characters; the oldest go first, apart from the greeting. 4 MiB unless told. */
  readonly maxLength?: number;
  /** Longer messages are left out, with a note of their length. 256 KiB unless told. */
  readonly maxMessageLength?: number;
  /** Called with each line of NDJSON as it comes, its end included: for a file. */
  readonly onLine?: (line: string) => void;
}

const MAX_LENGTH = 4 * 1024 * 1024;
const MAX_MESSAGE_LENGTH = 256 * 1024;
const MAX_GARBAGE_LENGTH = 200;

/** What went over a monitor, both ways, as NDJSON without its secrets. `replay` makes a server of it. */
export class Transcript {
  readonly startedAt = new Date();
  readonly #startMs = performance.now();
  readonly #options: TranscriptOptions;
  /** The greeting, which a replay cannot do without. */
  #first: string | undefined;
  readonly #lines: string[] = [];
  #length = 0;
  /** Lines that had to make room. */
  dropped = 0;

  constructor(options: TranscriptOptions = {}) {
    this.#options = options;
  }

  /** @internal A line as it was sent or received. */
  record(direction: Direction, line: string): void {
    const timeMs = this.#nowMs();
    const { maxMessageLength = MAX_MESSAGE_LENGTH } = this.#options;
    if (line.length > maxMessageLength) this.#add({ timeMs, direction, omittedBytes: line.length });
    else this.#add({ timeMs, direction, ...this.#readable(direction, line) });
  }

  /** @internal */
  end(why: string): void {
    this.#add({ timeMs: this.#nowMs(), ended: why });
  }

  /** The lines that are kept, oldest first, without their ends. */
  get lines(): readonly string[] {
    return this.#first === undefined ? this.#lines : [this.#first, ...this.#lines];
  }

  /** NDJSON. */
  toString(): string {
    return this.lines.map((line) => `${line}\n`).join('');
  }

  #readable(direction: Direction, line: string): { message: unknown } | { text: string } {
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      return { text: line.slice(0, MAX_GARBAGE_LENGTH) };
    }
    const { redact = redactMessage } = this.#options;
    try {
      return { message: redact(message, direction) };
    } catch (error) {
      // What cannot be redacted is not kept.
      return { text: `not redacted: ${error instanceof Error ? error.message : String(error)}` };
    }
  }

  #add(entry: TranscriptEntry): void {
    const line = JSON.stringify(entry);
    this.#options.onLine?.(`${line}\n`);
    if (this.#first === undefined) {
      this.#first = line;
      return;
    }
    const { maxLength = MAX_LENGTH } = this.#options;
    this.#lines.push(line);
    this.#length += line.length;
    while (this.#length > maxLength && this.#lines.length > 0) {
      this.#length -= this.#lines.shift()?.length ?? 0;
      this.dropped++;
    }
  }

  #nowMs(): number {
    return Math.round((performance.now() - this.#startMs) * 1000) / 1000;
  }
}

/** Reads a transcript's NDJSON. Throws SyntaxError where a line is none. */
export function parseTranscript(text: string): TranscriptEntry[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as TranscriptEntry);
}
