#pragma once
#include <napi.h>

namespace gpuvm {

// The ioctls of a VFIO group (/dev/vfio/N): an IOMMU group, and the way to its devices.
void RegisterVfioGroup(Napi::Env env, Napi::Object exports);

}  // namespace gpuvm
