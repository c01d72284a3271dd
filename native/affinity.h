#pragma once
#include <napi.h>

namespace gpuvm {

void RegisterAffinity(Napi::Env env, Napi::Object exports);

}  // namespace gpuvm
