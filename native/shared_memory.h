#pragma once
#include <napi.h>

namespace gpuvm {

// Memory shared with another process, and the cache maintenance that it may need: see src/native/shared-memory.ts.
void RegisterSharedMemory(Napi::Env env, Napi::Object exports);

}  // namespace gpuvm
