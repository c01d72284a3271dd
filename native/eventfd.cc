#include "eventfd.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "errors.h"

namespace gpuvm {
namespace {

Napi::Value Create(const Napi::CallbackInfo& info) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) throw SystemCallError(info.Env(), errno, "eventfd");
  return Napi::Number::New(info.Env(), fd);
}

// A descriptor from another process may be anything, and a write to most things can wait.
void Adopt(const Napi::CallbackInfo& info) {
  int fd = info[0].As<Napi::Number>().Int32Value();
  char target[64];
  ssize_t length = readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target, sizeof target);
  if (length < 0) throw SystemCallError(info.Env(), errno == ENOENT ? EBADF : errno, "readlink");
  if (std::string(target, static_cast<size_t>(length)) != "anon_inode:[eventfd]") {
    throw SystemCallError(info.Env(), EINVAL, "eventfd");
  }
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) throw SystemCallError(info.Env(), errno, "fcntl");
}

void Signal(const Napi::CallbackInfo& info) {
  uint64_t one = 1;
  // EAGAIN: the count is at its maximum, so the reader is awake already.
  if (write(info[0].As<Napi::Number>().Int32Value(), &one, sizeof one) < 0 && errno != EAGAIN) {
    throw SystemCallError(info.Env(), errno, "write", "eventfd");
  }
}

Napi::Value Drain(const Napi::CallbackInfo& info) {
  uint64_t count = 0;
  if (read(info[0].As<Napi::Number>().Int32Value(), &count, sizeof count) < 0) {
    if (errno != EAGAIN) throw SystemCallError(info.Env(), errno, "read", "eventfd");
    count = 0;
  }
  return Napi::Number::New(info.Env(), static_cast<double>(count));
}

void Close(const Napi::CallbackInfo& info) { close(info[0].As<Napi::Number>().Int32Value()); }

}  // namespace

void RegisterEventfd(Napi::Env env, Napi::Object exports) {
  exports.Set("eventfdCreate", Napi::Function::New(env, Create));
  exports.Set("eventfdAdopt", Napi::Function::New(env, Adopt));
  exports.Set("eventfdSignal", Napi::Function::New(env, Signal));
  exports.Set("eventfdDrain", Napi::Function::New(env, Drain));
  exports.Set("closeFd", Napi::Function::New(env, Close));
}

}  // namespace gpuvm
