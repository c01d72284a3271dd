#pragma once
#include <napi.h>

namespace gpuvm {

// A VFIO device's regions: what they are, and pread and pwrite of those that cannot be mapped.
void RegisterVfioRegion(Napi::Env env, Napi::Object exports);

}  // namespace gpuvm
