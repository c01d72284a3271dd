#pragma once
#include <napi.h>

namespace gpuvm {

void RegisterPipe(Napi::Env env, Napi::Object exports);

}  // namespace gpuvm
