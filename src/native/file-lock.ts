/** flock(2) (native/file_lock.cc). */
export interface FileLockAddon {
  /**
   * Takes the file for this descriptor alone, without waiting: false where another has it. It is held until the
   * descriptor is closed, and so for no longer than the process lives, however that ends.
   */
  tryLockFile(fd: number): boolean;
}
