/**
 * The supervisor's side of a seccomp listener (native/seccomp.cc). Calls are handed over in slots: fixed places in one
 * buffer, into which the addon copies what the guest sent and from which it takes the answer, so that a transfer costs
 * one crossing into the addon and no allocation.
 */

/** Offsets within a slot, in bytes; those of `struct Slot` in native/seccomp_slot.h. All numbers are little-endian. */
export const SlotLayout = {
  SIZE: 1280,
  /** u64, the kernel's number of the call; 0 while the slot holds no unanswered one. */
  ID: 0,
  /** u32, the thread that made the call. */
  THREAD: 8,
  /** u64, the call's second argument: of a write, where the message lies. */
  BUFFER: 40,
  /** The 48-byte message, as it was when it was read. */
  MESSAGE: 128,
  MESSAGE_TX_SIZE: 144,
  MESSAGE_RX_SIZE: 160,
  /** i32, 0 or the errno of what could not be read; EINVAL where a size is over 512. */
  FAULT: 176,
  /** u32, bytes in TX; of an open, the path's length without its end mark. */
  TX_SIZE: 180,
  /** u32, how many bytes of reply the guest has room for. */
  RX_ROOM: 184,
  /** u32, how far the call has come: one of {@link SlotStage}. */
  STAGE: 188,
  /** u32, how the call is to be answered: one of {@link SlotReply}. */
  REPLY: 192,
  /** i32, positive errno for `SlotReply.ERROR`. */
  ERROR: 196,
  /** i32 and u32, return code and number of reply bytes for `SlotReply.TRANSFER`. */
  RET: 200,
  RX_SIZE: 204,
  /** 512 bytes each. */
  TX: 256,
  RX: 768,
} as const;

/** How far a call has come, for whoever finds the slot after its process died; as in native/seccomp_slot.h. */
export const SlotStage = {
  /** The kernel gave it out; nothing of it was read. */
  RECEIVED: 0,
  /** What the guest wrote is in the slot. */
  FETCHED: 1,
  /** It may have been executed. */
  HANDED: 2,
  /** The answer is in the slot; it may have been sent. */
  ANSWERED: 3,
} as const;

/** How a call is answered. */
export const SlotReply = {
  /** Reply bytes, rx.size and rx.ret are written to the guest, and write returns 48. */
  TRANSFER: 0,
  /** The call fails. */
  ERROR: 1,
  /** The kernel makes the call as the guest asked. */
  CONTINUE: 2,
  /** The open returns the stand-in, at descriptor 1000. */
  STAND_IN: 3,
} as const;

/** What {@link SeccompListener.next} came back with. */
export const ListenerEvent = {
  /** The time is over. */
  IDLE: 0,
  /** The control descriptor is readable; it goes before the guest's calls. */
  CONTROL: 1,
  /** No process is left behind the listener. */
  GONE: 2,
  /** The slot holds an open; its path is in TX. */
  OPEN: 3,
  /** The slot holds a write; message and payload are copied. */
  WRITE: 4,
  /** The slot holds a call that the filter never sends. */
  OTHER: 5,
  /** The reply went out, and nothing was to be received. */
  SENT: 6,
  /** The reply did not arrive: the call was interrupted, or its thread is gone. Nothing was received. */
  LOST: 7,
} as const;
export type ListenerEvent = (typeof ListenerEvent)[keyof typeof ListenerEvent];

export interface SeccompListener {
  /**
   * Answers the call in slot `reply` (-1: none), then waits up to `timeoutMs` (-1: for ever) for the next call and puts
   * it into slot `receive` (-1: receives none).
   */
  next(reply: number, receive: number, timeoutMs: number): ListenerEvent;
  /** Linux 6.6: hand-over between the two threads without a trip through an idle CPU. False on an older kernel. */
  enableSyncWakeUp(): boolean;
  /**
   * A call that a former process received and left in this slot: its kind, as if it had been received now; LOST where it
   * is gone, IDLE where the slot holds none. What was not read of it is read now.
   */
  resume(slot: number): ListenerEvent;
  /** The memory descriptors that were opened so far, as [process, descriptor]; they stay the listener's. */
  keptMemory(): [number, number][];
  /** Takes over a memory descriptor of that process. */
  adoptMemory(process: number, fd: number): void;
  /** Closes the listener: every call that waits fails with ENOSYS, and so does every later one. */
  close(): void;
  /** The listener's descriptor, -1 once closed. */
  readonly fd: number;
  /** Calls that were gone before they could be read. */
  readonly stale: number;
}

export interface SeccompAddon {
  /** Owns `listenerFd` and everything it opens; `controlFd` (-1: none) stays the caller's. */
  SeccompListener: new (
    listenerFd: number,
    controlFd: number,
    slots: ArrayBuffer,
  ) => SeccompListener;
  readonly seccompSlotLayout: Readonly<Record<string, number>>;
}
