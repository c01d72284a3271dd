/** What talking to a service manager takes (native/notify.cc). */
export interface NotifyAddon {
  /**
   * Sends one datagram, with `fds` (which stay the caller's), to the Unix socket `name`; one that starts with "@" is in
   * the abstract namespace. The number of bytes, or WOULD_BLOCK when its queue is full and nothing was sent.
   */
  notifySend(name: string, text: string, fds?: Int32Array): number;
  /** Keeps a descriptor that was inherited from programs that are started later. EBADF where it is none. */
  closeOnExec(fd: number): void;
}
