#pragma once
#include <napi.h>

namespace gpuvm {

// iommufd (/dev/iommu, Linux 6.2) and VFIO's devices on it (/dev/vfio/devices/vfioN, Linux 6.6).
void RegisterVfioIommufd(Napi::Env env, Napi::Object exports);

}  // namespace gpuvm
