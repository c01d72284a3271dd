#pragma once
#include <linux/seccomp.h>

#include <cstddef>
#include <cstdint>

namespace gpuvm {

constexpr size_t kPayload = 512;

// The 48 bytes of one write to the BPMP host device.
struct HostMessage {
  uint32_t mrq;
  uint32_t reserved;
  uint64_t tx_data;
  uint64_t tx_size;
  uint64_t rx_data;
  uint64_t rx_size;
  int32_t rx_ret;
  uint32_t rx_reserved;
};
static_assert(sizeof(HostMessage) == 48);

// How a notified call is answered; src/native/seccomp.ts holds the same numbers.
enum Reply : uint32_t {
  kReplyTransfer = 0,  // rx bytes, rx.size and rx.ret are written back, write returns 48
  kReplyError = 1,     // the call fails with `error`
  kReplyContinue = 2,  // the kernel makes the call as the guest asked
  kReplyStandIn = 3,   // open returns the stand-in
};

// How far a call has come, for whoever finds the slot after this process died.
enum Stage : uint32_t {
  kStageReceived = 0,  // the kernel gave it out; nothing of it was read
  kStageFetched = 1,   // what the guest wrote is in the slot
  kStageHanded = 2,    // it may have been executed
  kStageAnswered = 3,  // the answer is in the slot; it may have been sent
};

// One notified call, from its receipt to its answer, shared with TypeScript (src/native/seccomp.ts knows these
// offsets; a test holds the two together).
//
// The slots lie in a memory file, and the kernel writes the notification right into it: whoever holds the file after
// this process died finds the number of every call that was received and not answered.
struct Slot {
  union {
    seccomp_notif notification;  // id 0: the slot holds no unanswered call
    uint8_t room[128];
  };
  HostMessage message;  // the one copy of what the guest wrote
  int32_t fault;        // 0, or the errno of what could not be read
  uint32_t tx_size;     // bytes in `tx`; for an open, of the path
  uint32_t rx_room;     // the guest's rx.size
  uint32_t stage;       // how far the call has come
  uint32_t reply;
  int32_t error;
  int32_t ret;
  uint32_t rx_size;  // bytes of `rx` that are the reply
  uint8_t unused_too[48];
  uint8_t tx[kPayload];
  uint8_t rx[kPayload];
};
static_assert(sizeof(Slot) == 1280);
static_assert(offsetof(Slot, fault) == 176 && offsetof(Slot, reply) == 192 && offsetof(Slot, tx) == 256);

}  // namespace gpuvm
