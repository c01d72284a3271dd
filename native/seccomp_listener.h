#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "memory.h"
#include "seccomp_slot.h"

namespace gpuvm {

// What `Next` came back with; src/native/seccomp.ts holds the same numbers.
enum Event : int {
  kIdle = 0,     // the time is over
  kControl = 1,  // the control descriptor is readable
  kGone = 2,     // no process is left behind the listener
  kOpen = 3,     // the slot holds an open, its path in tx
  kWrite = 4,    // the slot holds a write, its message and tx copied
  kOther = 5,    // the slot holds a call that the filter does not send
  kSent = 6,     // the reply went out and nothing was to be received
  kLost = 7,     // the guest's call was interrupted or its thread is gone: the reply did not arrive
};

// A system call that failed where none should.
struct ListenerFailure {
  int error;
  const char* syscall;
};

// One seccomp listener: the system calls of a transfer, in their order.
class Listener {
 public:
  // Owns `listener` and `stand_in` from here on; borrows `control` (-1: none) and the slots.
  Listener(int listener, int control, int stand_in, Slot* slots, uint32_t slot_count);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Linux 6.6: a request wakes this thread, and a reply the guest's, on the same CPU at once.
  bool EnableSyncWakeUp();

  // Sends the reply in slot `reply` (-1: none), then waits for the next call and puts it into slot `receive`
  // (-1: receive nothing). A lost reply is returned at once, nothing received.
  Event Next(int reply, int receive, int timeout_ms);

  // A call that a former process received and left in this slot; kLost where it is gone, kIdle where there is none.
  Event Resume(int index);

  TaskMemory& memory() { return memory_; }
  int descriptor() const { return listener_; }
  // Calls that were gone before they could be read.
  uint32_t stale() const { return stale_; }

 private:
  Event Send(Slot& slot);
  Event SendResponse(const Slot& slot, int64_t value, int error, uint32_t flags);
  Event SendStandIn(const Slot& slot);
  bool Receive(Slot& slot);
  Event Fetch(Slot& slot);
  Event KindOf(const Slot& slot) const;
  void FetchMessage(Slot& slot);
  void FetchPath(Slot& slot, uint64_t address);
  bool IsAlive(const Slot& slot) const;

  const int listener_;
  const int control_;
  const int stand_in_;
  Slot* const slots_;
  const uint32_t slot_count_;
  // The kernel's size of a response where that is larger than ours.
  std::vector<uint8_t> response_;
  TaskMemory memory_;
  uint32_t stale_ = 0;
};

}  // namespace gpuvm
