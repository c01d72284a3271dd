#pragma once
#include <napi.h>

namespace gpuvm {
void RegisterFileLock(Napi::Env env, Napi::Object exports);
}  // namespace gpuvm
