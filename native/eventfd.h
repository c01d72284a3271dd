#pragma once
#include <napi.h>

namespace gpuvm {

// eventfd(2): how one thread wakes another that blocks in poll.
void RegisterEventfd(Napi::Env env, Napi::Object exports);

}  // namespace gpuvm
