#pragma once
#include <napi.h>

namespace gpuvm {

// A second descriptor for what one refers to: see src/native/duplicate.ts.
void RegisterDuplicate(Napi::Env env, Napi::Object exports);

}  // namespace gpuvm
