#include "file_lock.h"

#include <sys/file.h>

#include <cerrno>

#include "errors.h"

namespace gpuvm {
namespace {

Napi::Value TryLock(const Napi::CallbackInfo& info) {
  int fd = info[0].ToNumber().Int32Value();
  int result;
  do {
    result = flock(fd, LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  if (result == 0) return Napi::Boolean::New(info.Env(), true);
  if (errno == EWOULDBLOCK) return Napi::Boolean::New(info.Env(), false);
  throw SystemCallError(info.Env(), errno, "flock");
}

}  // namespace

void RegisterFileLock(Napi::Env env, Napi::Object exports) {
  exports.Set("tryLockFile", Napi::Function::New(env, TryLock));
}

}  // namespace gpuvm
