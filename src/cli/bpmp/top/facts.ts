import type { TransferRecord } from '../../../bpmp/capture/index.js';

/** What a running VM says of itself; a capture file says nothing of the kind. */
export interface VmFacts {
  readonly state: string;
  readonly uptimeMs?: number | undefined;
  readonly restarts: number;
  /** Since its bridge began. */
  readonly totals?: Readonly<Record<TransferRecord['verdict'], number>> | undefined;
  readonly holdings?: readonly Holding[] | undefined;
  /** Requests that waited for the rate limit, and those that it refused. */
  readonly delayed?: number | undefined;
  readonly refused?: number | undefined;
  readonly limit?: { readonly perSecond: number; readonly burst: number } | undefined;
}

export interface Holding {
  readonly resource: string;
  readonly before: string;
  readonly now: string;
}

/** Where the transfers come from. */
export interface Origin {
  /** A VM's name or a file's path. */
  readonly name: string;
  readonly kind: 'vm' | 'file';
}
