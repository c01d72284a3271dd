/** pipe2(2) (native/pipe.cc). */
export interface PipeAddon {
  /** The end to read from and the one to write to, blocking and close-on-exec; the caller owns both. */
  pipe(): [number, number];
}
