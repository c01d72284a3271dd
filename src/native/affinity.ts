/** sched_setaffinity(2) (native/affinity.cc). */
export interface AffinityAddon {
  /** Lets a thread, by its thread id, run on these CPUs alone. EINVAL where none of them is there, ESRCH where it is gone. */
  setAffinity(threadId: number, cpus: Int32Array): void;
  /** The CPUs that a thread may run on, ascending. */
  getAffinity(threadId: number): number[];
}
