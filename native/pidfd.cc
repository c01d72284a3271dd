#include "pidfd.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "errors.h"

namespace gpuvm {
namespace {

// By number: the C library of Debian 11 has no functions for these yet.
Napi::Value Open(const Napi::CallbackInfo& info) {
  int fd = static_cast<int>(syscall(SYS_pidfd_open, info[0].ToNumber().Int32Value(), 0));
  if (fd < 0) throw SystemCallError(info.Env(), errno, "pidfd_open");
  return Napi::Number::New(info.Env(), fd);
}

Napi::Value SendSignal(const Napi::CallbackInfo& info) {
  int fd = info[0].ToNumber().Int32Value();
  int signal = info[1].ToNumber().Int32Value();
  if (syscall(SYS_pidfd_send_signal, fd, signal, nullptr, 0) != 0) {
    throw SystemCallError(info.Env(), errno, "pidfd_send_signal");
  }
  return info.Env().Undefined();
}

}  // namespace

void RegisterPidfd(Napi::Env env, Napi::Object exports) {
  exports.Set("pidfdOpen", Napi::Function::New(env, Open));
  exports.Set("pidfdSendSignal", Napi::Function::New(env, SendSignal));
}

}  // namespace gpuvm
