#pragma once
#include <napi.h>

namespace gpuvm {

// The ioctls of a VFIO container (/dev/vfio/vfio): an address space for the devices of its groups.
void RegisterVfioContainer(Napi::Env env, Napi::Object exports);

}  // namespace gpuvm
