/** What a reader has to say about a capture that is not as it should be; it goes on all the same. */
export interface Notice {
  /**
   * - `cut`: the data ends in the middle of a block
   * - `foreign`: something that is no transfer of ours was passed over
   * - `damaged`: something contradicts itself and was passed over
   * - `lost`: the capture itself says that transfers are missing here
   */
  readonly kind: 'cut' | 'foreign' | 'damaged' | 'lost';
  /** One line for people, with the offset where it helps. */
  readonly message: string;
  /** Of the block in the file or stream, in bytes. */
  readonly offset: number;
  /** Of `lost`: how many transfers, here and at the places that were not told of since the last notice of this kind. */
  readonly lost?: number;
}

/** Of each kind so many are told one by one; then one at each doubling. */
const TOLD_SINGLY = 10;

interface Held {
  seen: number;
  next: number;
  untold: number;
  lost: number;
  last: Notice | undefined;
}

/** Lets through what a person would read of notices by the million; the rest is counted, and told with the next or at the end. */
export class NoticeLimit {
  readonly #notice: (notice: Notice) => void;
  readonly #held = new Map<Notice['kind'], Held>();

  constructor(onNotice: (notice: Notice) => void) {
    this.#notice = onNotice;
  }

  add(notice: Notice): void {
    let held = this.#held.get(notice.kind);
    if (held === undefined) {
      held = { seen: 0, next: 2 * TOLD_SINGLY, untold: 0, lost: 0, last: undefined };
      this.#held.set(notice.kind, held);
    }
    held.seen++;
    held.lost += notice.lost ?? 0;
    held.last = notice;
    if (held.seen > TOLD_SINGLY && held.seen < held.next) held.untold++;
    else this.#tell(held);
  }

  /** Tells what is not told yet. */
  finish(): void {
    for (const held of this.#held.values()) {
      if (held.untold === 0) continue;
      held.untold--;
      this.#tell(held);
    }
  }

  #tell(held: Held): void {
    const { message, ...notice } = held.last as Notice;
    const more = held.untold > 0 ? `, and ${held.untold} more like it before` : '';
    this.#notice({ ...notice, message: message + more, ...(held.lost > 0 && { lost: held.lost }) });
    if (held.seen >= held.next) held.next *= 2;
    held.untold = 0;
    held.lost = 0;
  }
}
