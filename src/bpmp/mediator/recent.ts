import type { Verdict } from '../policy/index.js';
import { type ChipNames, describe } from '../wire/index.js';
import { verdicts } from './statistics.js';

/** How many decisions are kept. */
export const RECENT_DECISIONS = 20;

const HEADER_SIZE = 64;
const TX_ROOM = 120;
const ENTRY_SIZE = 160;
const TEXT_SIZE = 24 * 1024;
const LONGEST_RULE = 250;
/** Bytes of memory that a log takes. */
export const RECENT_SIZE = HEADER_SIZE + RECENT_DECISIONS * ENTRY_SIZE + TEXT_SIZE;

/** 32-bit words of the header. */
const COUNT = 0;
const TEXT_USED = 1;
/** Doubles of an entry, and then its 32-bit words. */
const TIME = 0;
const LATENCY = 1;
const MRQ = 4;
const RET = 5;
const VERDICT = 6;
const RULE = 7;
const TX_SIZE = 8;
const TX = 40;

/** One of the last decisions, for a report; as JSON would hold it. */
export interface RecentDecision {
  /** ISO 8601, when it was answered. */
  readonly time: string;
  /** `CLK ENABLE GPUSYS (304)` */
  readonly request: string;
  readonly mrq: number;
  readonly verdict: Verdict;
  /** The rule's text. */
  readonly rule: string;
  /** The return code that the guest got. */
  readonly ret: number;
  readonly latencyNs: number;
}

/**
 * The last decisions of one VM, in memory that others can read when the thread that wrote it is stuck, has failed or was
 * killed. An entry is some twenty stores: nothing is formatted, and a rule's text is written when it is first met.
 */
export class RecentDecisions {
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #bytes: Uint8Array;
  readonly #text: Uint8Array;
  readonly #rules = new Map<string, number>();
  /** Added to a monotonic time in ms, it is ms since 1970. */
  readonly #epochMs: number;

  /** @param offset - a multiple of 8; {@link RECENT_SIZE} bytes from there are the log's */
  constructor(
    memory: ArrayBufferLike = new ArrayBuffer(RECENT_SIZE),
    offset = 0,
    epochMs = performance.timeOrigin,
  ) {
    this.#words = new Int32Array(memory, offset, RECENT_SIZE / 4);
    this.#doubles = new Float64Array(memory, offset, RECENT_SIZE / 8);
    this.#bytes = new Uint8Array(memory, offset, RECENT_SIZE);
    this.#text = this.#bytes.subarray(RECENT_SIZE - TEXT_SIZE);
    this.#epochMs = epochMs;
    this.#findTexts();
  }

  add(
    mrq: number,
    tx: Uint8Array,
    verdict: number,
    rule: string,
    ret: number,
    atMs: number,
    latencyNs: number,
  ): void {
    const count = this.#words[COUNT] >>> 0;
    const start = HEADER_SIZE + (count % RECENT_DECISIONS) * ENTRY_SIZE;
    const word = start / 4;
    this.#doubles[start / 8 + TIME] = this.#epochMs + atMs;
    this.#doubles[start / 8 + LATENCY] = latencyNs;
    this.#words[word + MRQ] = mrq;
    this.#words[word + RET] = ret;
    this.#words[word + VERDICT] = verdict;
    this.#words[word + RULE] = this.#rules.get(rule) ?? this.#keep(rule);
    this.#words[word + TX_SIZE] = tx.length;
    const length = Math.min(tx.length, TX_ROOM);
    for (let i = 0; i < length; i++) this.#bytes[start + TX + i] = tx[i];
    // Last, so that a reader finds no half an entry but the one that is being written over.
    this.#words[COUNT] = count + 1;
  }

  /** Oldest first. */
  read(names?: ChipNames): RecentDecision[] {
    const count = this.#words[COUNT] >>> 0;
    const kept = Math.min(count, RECENT_DECISIONS);
    return Array.from({ length: kept }, (_, i) => this.#entry((count - kept + i) % RECENT_DECISIONS, names));
  }

  #entry(index: number, names: ChipNames | undefined): RecentDecision {
    const start = HEADER_SIZE + index * ENTRY_SIZE;
    const word = start / 4;
    const mrq = this.#words[word + MRQ] >>> 0;
    const size = Math.min(this.#words[word + TX_SIZE] >>> 0, TX_ROOM);
    return {
      time: timeOf(this.#doubles[start / 8 + TIME]),
      request: describe(mrq, this.#bytes.slice(start + TX, start + TX + size), names),
      mrq,
      verdict: verdicts[this.#words[word + VERDICT]] ?? 'malformed',
      rule: this.#textAt(this.#words[word + RULE]),
      ret: this.#words[word + RET],
      latencyNs: Math.round(this.#doubles[start / 8 + LATENCY]),
    };
  }

  /** Where a rule's text begins, from 1; 0 where there was no room for it. */
  #keep(rule: string): number {
    const bytes = Buffer.from(rule).subarray(0, LONGEST_RULE);
    const at = this.#words[TEXT_USED];
    let place = 0;
    if (at + 1 + bytes.length <= TEXT_SIZE) {
      this.#text[at] = bytes.length;
      this.#text.set(bytes, at + 1);
      this.#words[TEXT_USED] = at + 1 + bytes.length;
      place = at + 1;
    }
    // Reasons of malformed requests are made up as they come: beyond a bound they are not remembered.
    if (place > 0 || this.#rules.size < 1000) this.#rules.set(rule, place);
    return place;
  }

  /** What a former writer left stays readable, and its texts need not be kept a second time. */
  #findTexts(): void {
    const used = Math.min(this.#words[TEXT_USED] >>> 0, TEXT_SIZE);
    for (let at = 0; at < used; at += 1 + this.#text[at]) this.#rules.set(this.#textAt(at + 1), at + 1);
  }

  #textAt(place: number): string {
    if (place < 1 || place > TEXT_SIZE) return '(not kept)';
    const length = this.#text[place - 1];
    return Buffer.from(this.#text.subarray(place, place + length)).toString();
  }
}

function timeOf(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : 'unknown';
}
