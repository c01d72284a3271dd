#include "socketpair.h"

#include <sys/socket.h>

#include <cerrno>

#include "errors.h"

namespace gpuvm {
namespace {

Napi::Value Create(const Napi::CallbackInfo& info) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw SystemCallError(info.Env(), errno, "socketpair");
  }
  Napi::Array result = Napi::Array::New(info.Env(), 2);
  result.Set(0u, Napi::Number::New(info.Env(), ends[0]));
  result.Set(1u, Napi::Number::New(info.Env(), ends[1]));
  return result;
}

}  // namespace

void RegisterSocketpair(Napi::Env env, Napi::Object exports) {
  exports.Set("socketPair", Napi::Function::New(env, Create));
}

}  // namespace gpuvm
