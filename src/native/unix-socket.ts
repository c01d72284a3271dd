/** Returned in place of a count by a call that would have to wait. */
export const WOULD_BLOCK = -1;

/**
 * Unix stream sockets that pass descriptors (native/unix_socket.cc). Every socket is close-on-exec and non-blocking;
 * whoever gets a descriptor from one of these owns it.
 */
export interface UnixSocketAddon {
  /** Binds and listens; the socket's file has `mode` from its first moment. EADDRINUSE where the path exists. */
  unixListen(path: string, mode: number): number;
  /** The next connection, or WOULD_BLOCK. */
  unixAccept(fd: number): number;
  unixConnect(path: string): number;
  /**
   * Receives up to `length` bytes into `into` from `at`: their number, 0 at the end of the stream, or WOULD_BLOCK.
   * Descriptors that came along are close-on-exec; `fds[0]` becomes their number and they follow it. Those beyond
   * the array's room are closed.
   */
  unixReceive(fd: number, into: Uint8Array, at: number, length: number, fds: Int32Array): number;
  /** As {@link unixReceive}, and leaves the bytes on the socket. The descriptors are copies, and the caller's. */
  unixPeek(fd: number, into: Uint8Array, at: number, length: number, fds: Int32Array): number;
  /**
   * Sends up to `length` bytes, with `fds` (all of them, which stay the caller's) beside the first one: the number
   * of bytes that were taken, which may be fewer, or WOULD_BLOCK when neither byte nor descriptor was.
   */
  unixSend(fd: number, from: Uint8Array, at: number, length: number, fds?: Int32Array): number;
}
