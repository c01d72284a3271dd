/** socketpair(2) (native/socketpair.cc). */
export interface SocketpairAddon {
  /**
   * Two connected Unix stream sockets, close-on-exec; the caller owns both. An end is inherited by a child process that
   * gets it through the `stdio` of `child_process.spawn`.
   */
  socketPair(): [number, number];
}
