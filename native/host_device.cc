// Hands requests to the host kernel's BPMP proxy. One transfer is a 48-byte message with pointers to the two payloads,
// given to the driver by ioctl where it has one, else by write(2); the driver fills the reply and the message's rx part
// in place.
#include "host_device.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <thread>

#include "errors.h"

namespace gpuvm {
namespace {

constexpr size_t kMaxPayload = 512;
// Linux refuses a reply buffer beyond what one mailbox frame holds, and firmware has no more to say.
constexpr size_t kMaxReply = 120;

struct Message {
  uint32_t mrq;
  uint32_t reserved;
  struct {
    uint64_t data;
    uint64_t size;
  } tx;
  struct {
    uint64_t data;
    uint64_t size;
    int32_t ret;
    uint32_t reserved;
  } rx;
};
static_assert(sizeof(Message) == 48, "the driver takes exactly 48 bytes");

constexpr unsigned long kTransferIoctl = _IOWR('b', 1, Message);

enum Form : int32_t { kUnknown = 0, kIoctl = 1, kWrite = 2 };

struct Result {
  int32_t error;
  int32_t ret;
  int32_t size;
  int32_t form;
};

// A signal must not cut a transfer short: the caller could not tell whether the firmware has seen it.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

// Returns 0 or an errno. The ioctl form is dropped for good once the driver has said that it has none.
int Hand(int fd, Message* message, int32_t* form) {
  if (*form != kWrite) {
    if (ioctl(fd, kTransferIoctl, message) >= 0) {
      *form = kIoctl;
      return 0;
    }
    if (errno != ENOTTY) return errno;
    *form = kWrite;
  }
  ssize_t written = write(fd, message, sizeof(*message));
  if (written < 0) return errno;
  return written == static_cast<ssize_t>(sizeof(*message)) ? 0 : EIO;
}

// Makes one transfer. The caller's buffers are of this call's own making, so the driver can write to no other memory.
void Transfer(int fd, uint32_t mrq, const uint8_t* tx, size_t tx_size, uint8_t* rx, size_t capacity, Result* result) {
  if (capacity > kMaxReply) capacity = kMaxReply;
  Message message = {};
  message.mrq = mrq;
  message.tx.data = reinterpret_cast<uintptr_t>(tx);
  message.tx.size = tx_size;
  message.rx.data = reinterpret_cast<uintptr_t>(rx);
  message.rx.size = capacity;
  result->error = Hand(fd, &message, &result->form);
  bool done = result->error == 0;
  result->ret = done ? message.rx.ret : 0;
  result->size = done ? static_cast<int32_t>(message.rx.size < capacity ? message.rx.size : capacity) : 0;
}

bool ReadAll(int fd, void* buffer, size_t size) {
  auto* at = static_cast<uint8_t*>(buffer);
  while (size > 0) {
    ssize_t got = recv(fd, at, size, MSG_WAITALL);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

bool WriteAll(int fd, const void* buffer, size_t size) {
  const auto* at = static_cast<const uint8_t*>(buffer);
  while (size > 0) {
    ssize_t put = send(fd, at, size, MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    at += put;
    size -= static_cast<size_t>(put);
  }
  return true;
}

// A device's thread: it lives as long as the socket, and touches nothing but its two descriptors and its stack.
void Serve(int device, int socket) {
  int32_t form = kUnknown;
  struct {
    uint32_t mrq;
    uint32_t size;
    uint32_t capacity;
  } request;
  uint8_t tx[kMaxPayload];
  struct {
    Result result;
    uint8_t rx[kMaxReply];
  } reply;
  while (ReadAll(socket, &request, sizeof(request))) {
    if (request.size > kMaxPayload || !ReadAll(socket, tx, request.size)) break;
    memset(&reply, 0, sizeof(reply));
    reply.result.form = form;
    Transfer(device, request.mrq, tx, request.size, reply.rx, request.capacity, &reply.result);
    form = reply.result.form;
    if (!WriteAll(socket, &reply, sizeof(reply.result) + static_cast<size_t>(reply.result.size))) break;
  }
  close(socket);
  close(device);
}

void HostDeviceTransfer(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = info[0].As<Napi::Number>().Int32Value();
  uint32_t mrq = info[1].As<Napi::Number>().Uint32Value();
  auto tx = info[2].As<Napi::Uint8Array>();
  auto rx = info[3].As<Napi::Uint8Array>();
  auto result = info[4].As<Napi::Int32Array>();
  if (tx.ByteLength() > kMaxPayload || rx.ByteLength() > kMaxPayload || result.ElementLength() < 4) {
    throw Napi::RangeError::New(env, "a payload is at most 512 bytes");
  }
  uint8_t request[kMaxPayload];
  uint8_t reply[kMaxReply] = {};
  size_t tx_size = tx.ByteLength();
  if (tx_size > 0) memcpy(request, tx.Data(), tx_size);
  Result outcome = {0, 0, 0, result[3]};
  {
    SignalsBlocked blocked;
    Transfer(fd, mrq, request, tx_size, reply, rx.ByteLength(), &outcome);
  }
  if (outcome.size > 0) memcpy(rx.Data(), reply, static_cast<size_t>(outcome.size));
  result[0] = outcome.error;
  result[1] = outcome.ret;
  result[2] = outcome.size;
  result[3] = outcome.form;
}

Napi::Value HostDeviceServe(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int device = info[0].As<Napi::Number>().Int32Value();
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw SystemCallError(env, errno, "socketpair");
  try {
    SignalsBlocked blocked;
    std::thread(Serve, device, ends[1]).detach();
  } catch (const std::system_error& error) {
    close(ends[0]);
    close(ends[1]);
    throw SystemCallError(env, error.code().value(), "clone");
  }
  return Napi::Number::New(env, ends[0]);
}

}  // namespace

void RegisterHostDevice(Napi::Env env, Napi::Object exports) {
  exports.Set("hostDeviceTransfer", Napi::Function::New<HostDeviceTransfer>(env));
  exports.Set("hostDeviceServe", Napi::Function::New<HostDeviceServe>(env));
}

}  // namespace gpuvm
