import { formatPlace, GpuvmError, type Place } from '../../errors.js';

/** Something in a policy that works but is hardly meant. */
export interface PolicyWarning {
  readonly message: string;
  readonly place: Place;
}

/** More mistakes than this in one file are counted, not listed. */
const MAX_LISTED = 100;
const MAX_QUOTED = 40;

/** Collects what is wrong with one policy file, so that all of it is reported in one go. */
export class Problems {
  readonly warnings: PolicyWarning[] = [];
  readonly #mistakes: PolicyWarning[] = [];
  #count = 0;

  /** Mistakes so far. */
  get count(): number {
    return this.#count;
  }

  mistake(message: string, place: Place): void {
    this.#count++;
    if (this.#mistakes.length < MAX_LISTED) this.#mistakes.push({ message, place });
  }

  warn(message: string, place: Place): void {
    if (this.warnings.length < MAX_LISTED) this.warnings.push({ message, place });
  }

  /** Throws GPUVM_POLICY where there was a mistake: the first in the message, each as a line in `details.mistakes`. */
  throwIfAny(): void {
    const ordered = [...this.#mistakes].sort((a, b) => (a.place.line ?? 0) - (b.place.line ?? 0));
    const first = ordered[0];
    if (first === undefined) return;
    const more = this.#count - 1;
    const tail = more === 0 ? '' : ` (and ${more} more ${more === 1 ? 'mistake' : 'mistakes'})`;
    throw new GpuvmError('GPUVM_POLICY', `${first.message}${tail}`, {
      place: first.place,
      details: { mistakes: ordered.map(({ message, place }) => `${formatPlace(place)}: ${message}`) },
    });
  }
}

/** A word of the file as a message shows it: quoted, on one line, cut where it is long. */
export function quote(word: unknown): string {
  const text = String(word);
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);
}

/** "use, tune or shared" */
export function listed(words: readonly string[]): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
