#include "notify.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "errors.h"

namespace gpuvm {
namespace {

// What a call that would have to wait returns.
constexpr int kWouldBlock = -1;
// SCM_MAX_FD: the most that one message can carry.
constexpr size_t kMaxDescriptors = 253;

// A path, or "@name" for one in the abstract namespace, which has no end mark and may be any length up to the array's.
socklen_t AddressOf(Napi::Env env, const std::string& name, sockaddr_un* address) {
  bool abstract = !name.empty() && name[0] == '@';
  size_t room = sizeof(address->sun_path) - (abstract ? 0 : 1);
  if (name.size() < 2 || name.size() > room || name.find('\0') != std::string::npos) {
    throw SystemCallError(env, name.size() > room ? ENAMETOOLONG : EINVAL, "sendmsg", name.c_str());
  }
  address->sun_family = AF_UNIX;
  std::memcpy(address->sun_path, name.data(), name.size());
  if (abstract) address->sun_path[0] = '\0';
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (abstract ? 0 : 1));
}

Napi::Value Send(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string name = info[0].ToString().Utf8Value();
  std::string text = info[1].ToString().Utf8Value();
  sockaddr_un address{};
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = AddressOf(env, name, &address);
  iovec piece = {text.data(), text.size()};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxDescriptors)];
  if (info[2].IsTypedArray() && info[2].As<Napi::Int32Array>().ElementLength() > 0) {
    auto fds = info[2].As<Napi::Int32Array>();
    if (fds.ElementLength() > kMaxDescriptors) throw SystemCallError(env, EINVAL, "sendmsg", name.c_str());
    size_t bytes = fds.ElementLength() * sizeof(int);
    std::memset(control, 0, CMSG_SPACE(bytes));
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(bytes);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(bytes);
    std::memcpy(CMSG_DATA(header), fds.Data(), bytes);
  }
  // A socket for each message: the manager may be restarted in between, and an old one would go on to nobody.
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw SystemCallError(env, errno, "socket");
  ssize_t sent;
  do {
    sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  int error = errno;
  close(fd);
  if (sent >= 0) return Napi::Number::New(env, static_cast<double>(sent));
  if (error == EAGAIN) return Napi::Number::New(env, kWouldBlock);
  throw SystemCallError(env, error, "sendmsg", name.c_str());
}

Napi::Value CloseOnExec(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = info[0].ToNumber().Int32Value();
  int flags = fcntl(fd, F_GETFD);
  if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) != 0) throw SystemCallError(env, errno, "fcntl");
  return env.Undefined();
}

}  // namespace

void RegisterNotify(Napi::Env env, Napi::Object exports) {
  exports.Set("notifySend", Napi::Function::New(env, Send));
  exports.Set("closeOnExec", Napi::Function::New(env, CloseOnExec));
}

}  // namespace gpuvm
