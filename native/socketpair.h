#pragma once
#include <napi.h>

namespace gpuvm {

// socketpair(2): one end for a child process, the other for a thread of this one.
void RegisterSocketpair(Napi::Env env, Napi::Object exports);

}  // namespace gpuvm
