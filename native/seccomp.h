#pragma once
#include <napi.h>

namespace gpuvm {

// The supervisor's side of a seccomp listener, for TypeScript.
void RegisterSeccomp(Napi::Env env, Napi::Object exports);

}  // namespace gpuvm
