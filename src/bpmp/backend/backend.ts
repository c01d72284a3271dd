/** What came back from a BPMP, or from a decision that answered in its place. */
export interface Outcome {
  /** The firmware's return code: 0 or a negative `BPMP_E…`, s32. */
  ret: number;
  /** How many bytes of the caller's reply buffer are the reply; never more than its length. */
  rxSize: number;
}

/**
 * How a request reaches a BPMP.
 *
 * `transfer` answers at once where it can, so that a bridge's hot path makes no promise, and with a promise where
 * it must wait. `tx` is read before `transfer` returns; `rx` belongs to the backend until the outcome is there and is
 * written from its start. A firmware's error is an outcome, not an exception; so is a host device that fails
 * (`ret` is then its negative errno).
 */
export interface Backend {
  /** For people: "simulated", "/dev/bpmp-host". */
  readonly name: string;
  transfer(mrq: number, tx: Uint8Array, rx: Uint8Array): Outcome | Promise<Outcome>;
  close(): void | Promise<void>;
  /** Who is told of the requests that the BPMP makes by itself. Absent where none can be heard. */
  onRequest?: RequestListener | undefined;
}

/** Is handed a request from the BPMP; the payload is the listener's to keep. */
export type RequestListener = (mrq: number, payload: Uint8Array) => void;

/** The largest payload either way that the host device and the window take, in bytes. */
export const MAX_PAYLOAD = 512;
