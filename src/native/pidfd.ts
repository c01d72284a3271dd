/** pidfd_open(2), pidfd_send_signal(2) (native/pidfd.cc): a process beyond doubt, whoever its parent is. */
export interface PidfdAddon {
  /** A descriptor, close-on-exec, that becomes readable when the process has ended; the caller owns it. ESRCH where it is gone. */
  pidfdOpen(pid: number): number;
  /** Throws ESRCH where the process has ended. */
  pidfdSendSignal(fd: number, signal: number): void;
}
