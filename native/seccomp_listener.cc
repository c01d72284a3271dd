#include "seccomp_listener.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "exec-wrapper/filter.h"

// Linux 6.6; the headers of Debian 12 are older.
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

namespace gpuvm {
namespace {

constexpr uint64_t kPage = 4096;

}  // namespace

Listener::Listener(int listener, int control, int stand_in, Slot* slots, uint32_t slot_count)
    : listener_(listener), control_(control), stand_in_(stand_in), slots_(slots), slot_count_(slot_count) {
  seccomp_notif_sizes sizes = {};
  if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0) throw ListenerFailure{errno, "seccomp"};
  // A newer kernel writes more than our headers know of; a slot has room for that.
  if (sizes.seccomp_notif > sizeof Slot::room) throw ListenerFailure{E2BIG, "seccomp"};
  response_.resize(std::max<size_t>(sizes.seccomp_notif_resp, sizeof(seccomp_notif_resp)));
}

Listener::~Listener() {
  close(listener_);
  close(stand_in_);
}

bool Listener::EnableSyncWakeUp() {
  return ioctl(listener_, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) == 0;
}

Event Listener::Next(int reply, int receive, int timeout_ms) {
  if (reply >= 0) {
    Event sent = Send(slots_[reply]);
    slots_[reply].notification.id = 0;
    if (sent == kLost || receive < 0) return sent;
  }
  Slot& slot = slots_[receive];
  for (;;) {
    // Never receive without asking first: before Linux 6.11 that blocks for ever once no process is left.
    pollfd wanted[2] = {{listener_, POLLIN, 0}, {control_, POLLIN, 0}};
    int ready = poll(wanted, 2, timeout_ms);
    if (ready < 0 && errno != EINTR) throw ListenerFailure{errno, "poll"};
    if (ready < 0) continue;
    if (ready == 0) return kIdle;
    // First, so that a guest that floods cannot keep its own supervisor out.
    if (wanted[1].revents != 0) return kControl;
    if ((wanted[0].revents & POLLIN) == 0) return kGone;
    if (!Receive(slot)) continue;
    Event event = Fetch(slot);
    slot.stage = kStageFetched;
    if (IsAlive(slot)) return event;
    // What was read may be another thread's by now. A call that is gone needs no answer.
    slot.notification.id = 0;
    stale_++;
  }
}

bool Listener::Receive(Slot& slot) {
  // The kernel refuses a notification that is not zero.
  std::memset(slot.room, 0, sizeof slot.room);
  slot.stage = kStageReceived;
  if (ioctl(listener_, SECCOMP_IOCTL_NOTIF_RECV, &slot.notification) == 0) return true;
  // ENOENT: the call was interrupted between poll and receive, as a signal may do at any time.
  if (errno != ENOENT && errno != EINTR && errno != EAGAIN) throw ListenerFailure{errno, "ioctl(SECCOMP_IOCTL_NOTIF_RECV)"};
  return false;
}

Event Listener::Fetch(Slot& slot) {
  slot.fault = 0;
  slot.tx_size = 0;
  slot.rx_room = 0;
  Event kind = KindOf(slot);
  if (kind == kWrite) FetchMessage(slot);
  // The path is openat's second argument, and open's first.
  if (kind == kOpen) FetchPath(slot, slot.notification.data.args[slot.notification.data.nr == SYS_openat ? 1 : 0]);
  return kind;
}

Event Listener::KindOf(const Slot& slot) const {
  switch (slot.notification.data.nr) {
    case SYS_write:
      return kWrite;
    case SYS_openat:
#if defined(SYS_open)
    case SYS_open:
#endif
      return kOpen;
    default:
      return kOther;
  }
}

// The message and the request, each read once. Everything after this looks at the copies only.
void Listener::FetchMessage(Slot& slot) {
  const pid_t thread = static_cast<pid_t>(slot.notification.pid);
  slot.fault = memory_.Read(thread, slot.notification.data.args[1], &slot.message, sizeof slot.message);
  if (slot.fault != 0) {
    slot.message = {};
    return;
  }
  if (slot.message.tx_size > kPayload || slot.message.rx_size > kPayload) {
    slot.fault = EINVAL;
    return;
  }
  slot.tx_size = static_cast<uint32_t>(slot.message.tx_size);
  slot.rx_room = static_cast<uint32_t>(slot.message.rx_size);
  if (slot.tx_size > 0) slot.fault = memory_.Read(thread, slot.message.tx_data, slot.tx, slot.tx_size);
  // A reply that claims more than was written shows nothing of the last one.
  std::memset(slot.rx, 0, slot.rx_room);
}

// A path up to its end or to the room there is; never beyond a page that need not have a successor.
void Listener::FetchPath(Slot& slot, uint64_t address) {
  const pid_t thread = static_cast<pid_t>(slot.notification.pid);
  size_t length = 0;
  while (length < kPayload) {
    size_t step = std::min<size_t>(kPayload - length, kPage - ((address + length) & (kPage - 1)));
    slot.fault = memory_.Read(thread, address + length, slot.tx + length, step);
    if (slot.fault != 0) return;
    const void* end = std::memchr(slot.tx + length, 0, step);
    if (end != nullptr) {
      slot.tx_size = static_cast<uint32_t>(static_cast<const uint8_t*>(end) - slot.tx);
      return;
    }
    length += step;
  }
  slot.tx_size = kPayload;
}

bool Listener::IsAlive(const Slot& slot) const {
  return ioctl(listener_, SECCOMP_IOCTL_NOTIF_ID_VALID, &slot.notification.id) == 0;
}

Event Listener::Send(Slot& slot) {
  switch (slot.reply) {
    case kReplyTransfer: {
      // Right before writing: after a signal the guest's thread may be using that memory for something else.
      if (!IsAlive(slot)) return kLost;
      const pid_t thread = static_cast<pid_t>(slot.notification.pid);
      const uint32_t size = std::min(slot.rx_size, slot.rx_room);
      int error = size > 0 ? memory_.Write(thread, slot.message.rx_data, slot.rx, size) : 0;
      if (error == 0) {
        // rx.size and rx.ret alone: the rest of the message is the guest's.
        struct {
          uint64_t size;
          int32_t ret;
        } tail = {size, slot.ret};
        constexpr size_t kTail = offsetof(HostMessage, rx_size);
        error = memory_.Write(thread, slot.notification.data.args[1] + kTail, &tail, sizeof tail.size + sizeof tail.ret);
      }
      return error == 0 ? SendResponse(slot, sizeof(HostMessage), 0, 0) : SendResponse(slot, 0, error, 0);
    }
    case kReplyContinue:
      return SendResponse(slot, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
    case kReplyStandIn:
      return SendStandIn(slot);
    default:
      return SendResponse(slot, 0, slot.error > 0 ? slot.error : EIO, 0);
  }
}

Event Listener::SendResponse(const Slot& slot, int64_t value, int error, uint32_t flags) {
  std::fill(response_.begin(), response_.end(), uint8_t{0});
  seccomp_notif_resp* response = reinterpret_cast<seccomp_notif_resp*>(response_.data());
  response->id = slot.notification.id;
  response->val = value;
  response->error = -error;
  response->flags = flags;
  if (ioctl(listener_, SECCOMP_IOCTL_NOTIF_SEND, response) == 0) return kSent;
  if (errno == ENOENT) return kLost;
  throw ListenerFailure{errno, "ioctl(SECCOMP_IOCTL_NOTIF_SEND)"};
}

// Installs the stand-in and answers the open with it in one step (Linux 5.14).
Event Listener::SendStandIn(const Slot& slot) {
  seccomp_notif_addfd request = {};
  request.id = slot.notification.id;
  request.flags = SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND;
  request.srcfd = static_cast<uint32_t>(stand_in_);
  request.newfd = GPUVM_STAND_IN_FD;
  request.newfd_flags = O_CLOEXEC;
  if (ioctl(listener_, SECCOMP_IOCTL_NOTIF_ADDFD, &request) >= 0) return kSent;
  if (errno == ENOENT) return kLost;
  // EBADF: the guest's process lowered its limit of open files below the stand-in's number.
  return SendResponse(slot, 0, errno == EBADF ? EMFILE : errno, 0);
}

// A call that a former process received: what it asks, as if it had been received now.
Event Listener::Resume(int index) {
  Slot& slot = slots_[index];
  if (slot.notification.id == 0) return kIdle;
  if (IsAlive(slot)) {
    Event event = KindOf(slot);
    // What was fetched already may have been decided on, and is not fetched a second time.
    if (slot.stage == kStageReceived) event = Fetch(slot);
    if (IsAlive(slot)) {
      if (slot.stage == kStageReceived) slot.stage = kStageFetched;
      return event;
    }
  }
  slot.notification.id = 0;
  stale_++;
  return kLost;
}

}  // namespace gpuvm
