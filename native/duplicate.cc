#include "duplicate.h"

#include <fcntl.h>

#include <cerrno>

#include "errors.h"

namespace gpuvm {
namespace {

Napi::Value Duplicate(const Napi::CallbackInfo& info) {
  int fd = fcntl(info[0].As<Napi::Number>().Int32Value(), F_DUPFD_CLOEXEC, 0);
  if (fd < 0) throw SystemCallError(info.Env(), errno, "fcntl");
  return Napi::Number::New(info.Env(), fd);
}

}  // namespace

void RegisterDuplicate(Napi::Env env, Napi::Object exports) {
  exports.Set("duplicateFd", Napi::Function::New(env, Duplicate));
}

}  // namespace gpuvm
