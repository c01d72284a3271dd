/** fcntl(F_DUPFD_CLOEXEC) (native/duplicate.cc). */
export interface DuplicateAddon {
  /** A second descriptor for what `fd` refers to, close-on-exec; the caller owns it. EBADF where `fd` is not open. */
  duplicateFd(fd: number): number;
}
