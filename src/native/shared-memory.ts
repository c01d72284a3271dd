/** Memory that another process maps too (native/shared_memory.cc). */
export interface SharedMemoryAddon {
  /** A new memory file of `size` bytes, all zero, sealed against any change of size; the caller owns the descriptor. */
  createMemory(name: string, size: number): number;
  /** Maps the first `length` bytes for reading and writing; unmapped when the buffer is collected. */
  mapMemory(fd: number, length: number): ArrayBuffer;
  /**
   * Cleans and invalidates the data cache over a range (`dc civac` on arm64), so that memory which a guest reaches
   * past the cache and this process through it agree. True where that was done; elsewhere it does nothing.
   */
  maintainCache(range: Uint8Array): boolean;
  /** What {@link maintainCache} returns on this machine. */
  readonly maintainsCache: boolean;
  /** The host's page size in bytes. */
  pageSize(): number;
}
