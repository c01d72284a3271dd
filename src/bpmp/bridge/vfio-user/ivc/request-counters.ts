/** What one guest's requests came to, over all of its channels. */
export interface RequestCounters {
  transfers: number;
  txBytes: number;
  rxBytes: number;
  handshakes: number;
  /** Channels that stood still after the guest had corrupted them. */
  channelResets: number;
  /** Requests that were answered in the handler's place, at their deadline. */
  late: number;
  /** Requests whose asker had gone or been answered before their outcome came. */
  abandoned: number;
  /** Of these, the ones that the handler still works on. */
  abandonedNow: number;
  /** Requests that were refused because so many abandoned ones were still under way. */
  refused: number;
}

export function newRequestCounters(): RequestCounters {
  return {
    transfers: 0,
    txBytes: 0,
    rxBytes: 0,
    handshakes: 0,
    channelResets: 0,
    late: 0,
    abandoned: 0,
    abandonedNow: 0,
    refused: 0,
  };
}
