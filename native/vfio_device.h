#pragma once
#include <napi.h>

namespace gpuvm {

// What a VFIO device says of itself, and its reset.
void RegisterVfioDevice(Napi::Env env, Napi::Object exports);

}  // namespace gpuvm
