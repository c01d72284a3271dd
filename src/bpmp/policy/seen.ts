import { type ChipNames, classify, commandOf, mrqs, newShape } from '../wire/index.js';
import { expectationOf, isByTree, isByView, isHiddenByLine, type SeenTransfer } from './expectation.js';
import { type Need, needOf } from './need.js';

/** A guest can think of more different requests than there is memory; a driver cannot. */
export const MAX_NEEDS = 10_000;
/** VMs that a policy names as those it was learned from. */
const MAX_VMS = 8;

/** What the learned policy is to say of a request. */
export type Want = 'allow' | 'absorb' | 'passes' | 'deny';

/** Requests that take the same of a policy, and have to fare alike. */
export interface Seen {
  readonly want: Want;
  /** True where nothing but the full view let it pass. */
  readonly byView: boolean;
  readonly title: string;
  readonly mrq: number;
  readonly command: number;
  /** One of them: of those that set a rate the fastest, or where they are to be denied the slowest. */
  need: Need;
  tx: Uint8Array;
  count: number;
  firstNs: bigint;
  lastNs: bigint;
}

/** What was seen in all, for people. */
export interface SeenTotals {
  transfers: number;
  /** Left out: denied by a policy that was enforced. */
  denied: number;
  /** Left out: reads of what the view hides, and those that the guest's device tree lets it make. */
  hidden: number;
  /** Left out: malformed, or refused for their number. */
  others: number;
  /** Different requests beyond what is kept. */
  overlooked: number;
  firstNs: bigint | undefined;
  lastNs: bigint | undefined;
  readonly vms: Set<string>;
}

/** Collects recorded requests by what they take of a policy, in bounded memory. */
export class SeenRequests {
  readonly totals: SeenTotals = {
    transfers: 0,
    denied: 0,
    hidden: 0,
    others: 0,
    overlooked: 0,
    firstNs: undefined,
    lastNs: undefined,
    vms: new Set(),
  };
  readonly #chip: ChipNames;
  readonly #includeDenied: boolean;
  readonly #seen = new Map<string, Seen>();
  readonly #shape = newShape();

  constructor(chip: ChipNames, options: { readonly includeDenied?: boolean } = {}) {
    this.#chip = chip;
    this.#includeDenied = options.includeDenied ?? false;
  }

  get all(): Seen[] {
    return [...this.#seen.values()];
  }

  add(transfer: SeenTransfer & { readonly vm?: string }): void {
    const { totals } = this;
    const { mrq, tx, timeNs, vm } = transfer;
    totals.transfers++;
    if (totals.firstNs === undefined || timeNs < totals.firstNs) totals.firstNs = timeNs;
    if (totals.lastNs === undefined || timeNs > totals.lastNs) totals.lastNs = timeNs;
    if (vm !== undefined && totals.vms.size < MAX_VMS) totals.vms.add(vm);
    const expected = expectationOf(transfer, this.#chip);
    if ((transfer.verdict === 'deny' && transfer.hidden) || isByTree(transfer)) {
      totals.hidden++;
      // A line that hides a parent of a granted clock is to be there again.
      if (expected !== 'deny' || !isHiddenByLine(transfer)) return;
    }
    if (expected === 'anything' || expected === 'malformed') {
      totals.others++;
      return;
    }
    const isDenied = expected === 'deny' && transfer.observed !== true && !transfer.hidden;
    if (isDenied && !this.#includeDenied) totals.denied++;
    const want = isDenied && this.#includeDenied ? 'passes' : expected;
    const shape = classify(mrq, tx, this.#shape);
    const need = needOf(shape, tx, this.#chip, { anyPayload: want === 'absorb' || want === 'deny' });
    const byView = isByView(transfer);
    // Nothing has to be done for it to be denied again.
    if (need.kind === 'never' && want === 'deny' && transfer.observed !== true) return;
    this.#note(`${want} ${byView} ${keyOf(need, mrq, shape.command)}`, {
      want,
      byView,
      title: need.kind === 'resource' ? need.action.name : titleOf(mrq, shape.command),
      mrq,
      command: shape.command,
      need,
      tx,
      count: 1,
      firstNs: timeNs,
      lastNs: timeNs,
    });
  }

  #note(key: string, seen: Seen): void {
    const known = this.#seen.get(key);
    if (known === undefined) {
      if (this.#seen.size >= MAX_NEEDS) this.totals.overlooked++;
      else this.#seen.set(key, { ...seen, tx: seen.tx.slice() });
      return;
    }
    known.count++;
    if (seen.firstNs < known.firstNs) known.firstNs = seen.firstNs;
    if (seen.lastNs > known.lastNs) known.lastNs = seen.lastNs;
    const rate = seen.need.kind === 'resource' ? seen.need.rateHz : undefined;
    const before = known.need.kind === 'resource' ? known.need.rateHz : undefined;
    if (rate === undefined || before === undefined) return;
    if (seen.want === 'deny' ? rate < before : rate > before) {
      known.need = seen.need;
      known.tx = seen.tx.slice();
    }
  }
}

function titleOf(mrq: number, command: number): string {
  return commandOf(mrq, command)?.title ?? mrqs.get(mrq)?.name ?? 'unknown MRQs';
}

/** Requests with the same key take the same of a policy, but for the rate. */
export function keyOf(need: Need, mrq: number, command: number): string {
  switch (need.kind) {
    case 'never':
      // Neither the id nor a command that there is not: a guest that walks all of them is told of once.
      return `never ${titleOf(mrq, command)} ${need.why.replace(/\d+/g, '')}`;
    case 'family':
      return `family ${need.mrq} ${need.command}`;
    case 'bus':
      return `bus ${need.bus} ${need.addresses.join()}`;
    case 'resource':
      return `${need.section} ${need.id} ${need.action.slot} ${need.parent ?? ''} ${(need.rateHz ?? 0) < 0}`;
  }
}
