#pragma once
#include <napi.h>

namespace gpuvm {

// The event loop's readiness of any descriptor: see src/native/readiness.ts.
void RegisterReadiness(Napi::Env env, Napi::Object exports);

}  // namespace gpuvm
