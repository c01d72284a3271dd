/** eventfd(2): how one thread wakes another that blocks in a system call (native/eventfd.cc). */
export interface EventfdAddon {
  /** A new eventfd, close-on-exec and non-blocking; the caller owns it. */
  eventfdCreate(): number;
  /** Makes sure that a descriptor which came from elsewhere is an eventfd (EINVAL if not), and non-blocking. */
  eventfdAdopt(fd: number): void;
  /** Makes it readable. */
  eventfdSignal(fd: number): void;
  /** Makes it unreadable again; how often it was signalled since the last time. */
  eventfdDrain(fd: number): number;
  /** close(2) of any descriptor; silent about one that is not open. */
  closeFd(fd: number): void;
}
