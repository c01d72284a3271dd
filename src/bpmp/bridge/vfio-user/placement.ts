/** One BAR of a device, and where the guest is to see it. */
export interface BarFact {
  readonly vendor: number;
  readonly device: number;
  readonly bar: number;
  /** In bytes. */
  readonly size: number;
  /** Guest-physical. */
  readonly address: bigint;
}
