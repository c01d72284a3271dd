#pragma once
#include <napi.h>

namespace gpuvm {

void RegisterPidfd(Napi::Env env, Napi::Object exports);

}  // namespace gpuvm
