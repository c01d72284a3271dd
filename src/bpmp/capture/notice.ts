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
}
