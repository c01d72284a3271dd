#include "errors.h"

#include <uv.h>

#include <cstring>
#include <string>

namespace gpuvm {

Napi::Error SystemCallError(Napi::Env env, int error, const char* syscall, const char* subject) {
  std::string message = syscall;
  if (subject != nullptr) message += std::string("(") + subject + ")";
  message += std::string(": ") + std::strerror(error);
  Napi::Error result = Napi::Error::New(env, message);
  result.Set("code", Napi::String::New(env, uv_err_name(-error)));
  result.Set("errno", Napi::Number::New(env, error));
  result.Set("syscall", Napi::String::New(env, syscall));
  return result;
}

}  // namespace gpuvm
