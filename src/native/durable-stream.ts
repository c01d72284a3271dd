/**
 * How far a Unix stream was read and written, where the kernel keeps it (native/durable_stream.cc): a process that is
 * killed at any instant leaves no doubt about it to its successor, who has the same sockets and files.
 */
export interface DurableStreamAddon {
  /** SO_PEEK_OFF: `unixPeek` begins so many bytes behind the first, and moves on by what it returned. */
  streamSetPeeked(fd: number, offset: number): void;
  /** How far it has come; bytes that are discarded count no longer. */
  streamPeeked(fd: number): number;
  /** Takes so many bytes, and what descriptors came with them, off the socket; how many were not there. */
  streamDiscard(fd: number, count: number): number;
  /**
   * Sends up to `count` bytes from a file, from its position on, which moves by what was sent in the same instant: their
   * number, or WOULD_BLOCK. The file's memory must stay as it is until the peer has read them.
   */
  streamSendFile(socketFd: number, fileFd: number, count: number): number;
  /** The file's position, which all descriptors for the same open file share. */
  filePosition(fd: number): number;
  fileSetPosition(fd: number, position: number): void;
}
