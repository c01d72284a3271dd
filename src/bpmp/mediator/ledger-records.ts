import { type Aspect, aspects } from './aspects.js';
import type { Holding, LedgerStore } from './ledger.js';

/** Bytes of one record. */
export const RECORD_SIZE = 32;
/** More than all clocks (three kinds each), resets, domains, trips and debug files of the chip together. */
export const MOST_RECORDS = 4096;

/** Indices of 32-bit words, and of doubles, within a record. */
const WORDS = RECORD_SIZE / 4;
const STATE = 0;
const KIND = 1;
const ID = 2;
const SEQUENCE = 3;
const DOUBLES = RECORD_SIZE / 8;
const BEFORE = 2;
const NOW = 3;

/** What the first word of a record says; it is written last, so that a record is there whole or not at all. */
const RecordState = {
  FREE: 0,
  /** A change was about to be forwarded: whether it was made, nobody can tell. */
  INTENDED: 1,
  HELD: 2,
} as const;

const BEFORE_KNOWN = 0x100;
const SHARED = 0x200;

/**
 * A ledger as fixed records in a piece of memory that outlives this process: a mapped file. Writing one is a few stores,
 * no system call; whatever instant the process is killed at, each record is there or not.
 */
export class LedgerRecords implements LedgerStore {
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #free: number[] = [];
  readonly #places = new Map<number, number>();
  #sequence = 0;
  /** What was there at first, oldest change first. */
  readonly found: readonly Holding[];
  /** Records that make no sense: somebody else has written there. They are left alone, and never given back. */
  readonly damaged: number;

  /** @param memory - its length is a multiple of {@link RECORD_SIZE}; all zero where nothing is held */
  constructor(memory: ArrayBuffer, offset = 0, count = MOST_RECORDS) {
    this.#words = new Int32Array(memory, offset, count * WORDS);
    this.#doubles = new Float64Array(memory, offset, count * DOUBLES);
    let damaged = 0;
    for (let place = count - 1; place >= 0; place--) {
      if (this.#words[place * WORDS + STATE] === RecordState.FREE) {
        this.#free.push(place);
        continue;
      }
      const holding = this.#read(place);
      // A thing that is there twice was written by somebody else too.
      if (holding === undefined || this.#places.has(key(holding.aspect, holding.id))) damaged++;
      else this.#places.set(key(holding.aspect, holding.id), place);
    }
    this.damaged = damaged;
    this.found = this.held();
    for (const place of this.#places.values()) this.#sequence = Math.max(this.#sequence, this.#age(place));
  }

  /** What is there now, oldest change first. */
  held(): Holding[] {
    return [...this.#places.values()]
      .sort((one, other) => this.#age(one) - this.#age(other))
      .map((place) => this.#read(place))
      .filter((holding) => holding !== undefined);
  }

  intend(aspect: Aspect, id: number, before: number | undefined, shared: boolean): void {
    const at = key(aspect, id);
    // A change of the same thing is under way already: what was before that one counts.
    if (this.#places.has(at)) return;
    const place = this.#free.pop();
    if (place === undefined) throw new Error('the ledger is full');
    this.#places.set(at, place);
    const word = place * WORDS;
    this.#words[word + KIND] = aspect | (before === undefined ? 0 : BEFORE_KNOWN) | (shared ? SHARED : 0);
    this.#words[word + ID] = id;
    this.#words[word + SEQUENCE] = ++this.#sequence;
    this.#doubles[place * DOUBLES + BEFORE] = before ?? 0;
    this.#doubles[place * DOUBLES + NOW] = before ?? 0;
    Atomics.store(this.#words, word + STATE, RecordState.INTENDED);
  }

  hold({ aspect, id, before, now, shared }: Holding): void {
    this.intend(aspect, id, before, shared);
    const place = this.#places.get(key(aspect, id)) as number;
    this.#doubles[place * DOUBLES + NOW] = now;
    Atomics.store(this.#words, place * WORDS + STATE, RecordState.HELD);
  }

  drop(aspect: Aspect, id: number): void {
    const at = key(aspect, id);
    const place = this.#places.get(at);
    if (place === undefined) return;
    Atomics.store(this.#words, place * WORDS + STATE, RecordState.FREE);
    this.#places.delete(at);
    this.#free.push(place);
  }

  #age(place: number): number {
    return this.#words[place * WORDS + SEQUENCE] >>> 0;
  }

  #read(place: number): Holding | undefined {
    const word = place * WORDS;
    const kind = this.#words[word + KIND];
    const aspect = kind & 0xff;
    const now = this.#doubles[place * DOUBLES + NOW];
    const before = this.#doubles[place * DOUBLES + BEFORE];
    const isKind = aspect in aspects && (kind & ~(0xff | BEFORE_KNOWN | SHARED)) === 0;
    const isState = (this.#words[word + STATE] & ~RecordState.HELD) === 0 || this.#isIntended(word);
    if (!isKind || !isState || !Number.isSafeInteger(now) || !Number.isSafeInteger(before)) return undefined;
    return {
      aspect: aspect as Aspect,
      id: this.#words[word + ID] >>> 0,
      before: (kind & BEFORE_KNOWN) === 0 ? undefined : before,
      now,
      shared: (kind & SHARED) !== 0,
      ...(this.#isIntended(word) && { unsure: true }),
    };
  }

  #isIntended(word: number): boolean {
    return this.#words[word + STATE] === RecordState.INTENDED;
  }
}

function key(aspect: Aspect, id: number): number {
  return aspect * 2 ** 32 + id;
}
