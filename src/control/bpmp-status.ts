/** What a VM's bridge tells of itself: how it is set up, what the guest asked and what it holds, as of now. */
export interface BpmpStatus {
  readonly vm: string;
  /** How requests arrive, and what answers those that are let through. */
  readonly bridge: { readonly kind: string; readonly counters: Readonly<Record<string, number>> };
  readonly backend: { readonly kind: string; readonly device?: string };
  readonly policy: { readonly file: string; readonly mode: string; readonly view: string };
  /** Requests since the bridge began, by verdict. */
  readonly totals: Readonly<Record<'allow' | 'deny' | 'absorb' | 'malformed', number>>;
  readonly rows: readonly BpmpRow[];
  /** What the guest changed and has not put back, the oldest change first. */
  readonly holdings: readonly { readonly resource: string; readonly before: string; readonly now: string }[];
  /** What the policy denied, most often denied first; without what the view hides and what the rate limit refused. */
  readonly denials: readonly BpmpDenial[];
  /** Of those denied, the ones that asked about what the view hides. */
  readonly hidden: number;
  /** Transfers that reached the backend, the mediator's own questions included. */
  readonly forwarded: number;
  /** The rate limit; absent where there is none. */
  readonly limit?: {
    readonly perSecond: number;
    readonly burst: number;
    readonly exceeded: 'delay' | 'deny';
    /** Requests that may be made at once now; below 0 where some wait already. */
    readonly balance: number;
  };
  /** Requests that waited for the rate limit, and those that it refused. */
  readonly delayed: number;
  readonly refused: number;
  /** Records of transfers that were lost because nobody kept up. */
  readonly recordsDropped: number;
}

/** Requests of one MRQ with one verdict. */
export interface BpmpRow {
  readonly mrq: number | 'unknown';
  /** The ABI's name of the MRQ, `CLK`; `unknown` where it has none. */
  readonly name: string;
  readonly verdict: 'allow' | 'deny' | 'absorb' | 'malformed';
  readonly latency: {
    readonly count: number;
    readonly meanNs: number;
    readonly p50Ns: number;
    readonly p99Ns: number;
    readonly maxNs: number;
  };
}

export interface BpmpDenial {
  readonly kind: 'clock' | 'reset' | 'power-domain' | 'i2c-bus' | 'mrq';
  /** Its name, a bus's number; `other` for all that the chip and the ABI do not have. */
  readonly resource: string;
  readonly id?: number;
  readonly count: number;
}
