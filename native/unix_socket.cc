#include "unix_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "errors.h"

namespace gpuvm {
namespace {

// What a non-blocking call returns in place of a count when it would have to wait.
constexpr int kWouldBlock = -1;
// SCM_MAX_FD: the most that one message can carry, so that the kernel never truncates.
constexpr size_t kMaxDescriptors = 253;

struct Bytes {
  uint8_t* data;
  size_t length;
};

// The arguments (Uint8Array, at, length) as memory, checked against the array's bounds.
Bytes RangeArgument(const Napi::CallbackInfo& info, size_t first) {
  if (!info[first].IsTypedArray()) throw Napi::TypeError::New(info.Env(), "a Uint8Array is wanted");
  auto array = info[first].As<Napi::Uint8Array>();
  int64_t at = info[first + 1].ToNumber().Int64Value();
  int64_t length = info[first + 2].ToNumber().Int64Value();
  int64_t whole = static_cast<int64_t>(array.ByteLength());
  if (at < 0 || length < 0 || at > whole || length > whole - at) {
    throw Napi::RangeError::New(info.Env(), "the range is outside the array");
  }
  return {array.Data() + at, static_cast<size_t>(length)};
}

sockaddr_un AddressOf(Napi::Env env, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path) || path.find('\0') != std::string::npos) {
    throw SystemCallError(env, path.empty() ? EINVAL : ENAMETOOLONG, "bind", path.c_str());
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

int NewSocket(Napi::Env env) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw SystemCallError(env, errno, "socket");
  return fd;
}

Napi::Error CloseAndReport(Napi::Env env, int fd, const char* call, const std::string& path) {
  int error = errno;
  close(fd);
  return SystemCallError(env, error, call, path.c_str());
}

Napi::Value Listen(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string path = info[0].ToString().Utf8Value();
  sockaddr_un address = AddressOf(env, path);
  int fd = NewSocket(env);
  // The mode set on the unbound socket is the one that bind gives the file, so no moment passes with a wider one.
  if (fchmod(fd, static_cast<mode_t>(info[1].ToNumber().Uint32Value())) != 0) {
    throw CloseAndReport(env, fd, "fchmod", path);
  }
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    throw CloseAndReport(env, fd, "bind", path);
  }
  if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || listen(fd, 8) != 0) {
    throw CloseAndReport(env, fd, "listen", path);
  }
  return Napi::Number::New(env, fd);
}

Napi::Value Accept(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  for (;;) {
    int fd = accept4(info[0].ToNumber().Int32Value(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) return Napi::Number::New(env, fd);
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EAGAIN) return Napi::Number::New(env, kWouldBlock);
    throw SystemCallError(env, errno, "accept4");
  }
}

Napi::Value Connect(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string path = info[0].ToString().Utf8Value();
  sockaddr_un address = AddressOf(env, path);
  int fd = NewSocket(env);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    throw CloseAndReport(env, fd, "connect", path);
  }
  if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) throw CloseAndReport(env, fd, "fcntl", path);
  return Napi::Number::New(env, fd);
}

// Stores the descriptors that came along: fds[0] their number, fds[1…] themselves. Those that do not fit are closed.
void TakeDescriptors(msghdr* message, int32_t* fds, size_t capacity) {
  size_t count = 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(message); header != nullptr; header = CMSG_NXTHDR(message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t passed = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < passed; i++) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      if (count + 1 < capacity) {
        fds[++count] = fd;
      } else {
        close(fd);
      }
    }
  }
  if (capacity > 0) fds[0] = static_cast<int32_t>(count);
}

Napi::Value ReceiveWith(const Napi::CallbackInfo& info, int flags) {
  Napi::Env env = info.Env();
  Bytes into = RangeArgument(info, 1);
  auto fds = info[4].As<Napi::Int32Array>();
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxDescriptors)];
  iovec piece = {into.data, into.length};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  ssize_t got;
  do {
    got = recvmsg(info[0].ToNumber().Int32Value(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT | flags);
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    if (errno != EAGAIN) throw SystemCallError(env, errno, "recvmsg");
    if (fds.ElementLength() > 0) fds.Data()[0] = 0;
    return Napi::Number::New(env, kWouldBlock);
  }
  TakeDescriptors(&message, fds.Data(), fds.ElementLength());
  return Napi::Number::New(env, static_cast<double>(got));
}

Napi::Value Receive(const Napi::CallbackInfo& info) { return ReceiveWith(info, 0); }

Napi::Value Peek(const Napi::CallbackInfo& info) { return ReceiveWith(info, MSG_PEEK); }

Napi::Value Send(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Bytes from = RangeArgument(info, 1);
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxDescriptors)];
  iovec piece = {from.data, from.length};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (info[4].IsTypedArray()) {
    auto fds = info[4].As<Napi::Int32Array>();
    size_t bytes = fds.ElementLength() * sizeof(int);
    if (fds.ElementLength() > kMaxDescriptors) throw SystemCallError(env, EINVAL, "sendmsg");
    std::memset(control, 0, CMSG_SPACE(bytes));
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(bytes);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(bytes);
    std::memcpy(CMSG_DATA(header), fds.Data(), bytes);
  }
  ssize_t sent;
  do {
    sent = sendmsg(info[0].ToNumber().Int32Value(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    if (errno != EAGAIN) throw SystemCallError(env, errno, "sendmsg");
    return Napi::Number::New(env, kWouldBlock);
  }
  return Napi::Number::New(env, static_cast<double>(sent));
}

}  // namespace

void RegisterUnixSocket(Napi::Env env, Napi::Object exports) {
  exports.Set("unixListen", Napi::Function::New(env, Listen));
  exports.Set("unixAccept", Napi::Function::New(env, Accept));
  exports.Set("unixConnect", Napi::Function::New(env, Connect));
  exports.Set("unixReceive", Napi::Function::New(env, Receive));
  exports.Set("unixPeek", Napi::Function::New(env, Peek));
  exports.Set("unixSend", Napi::Function::New(env, Send));
}

}  // namespace gpuvm
