#pragma once
#include <napi.h>

namespace gpuvm {

// A VFIO device's interrupts: what they are, and VFIO_DEVICE_SET_IRQS.
void RegisterVfioInterrupts(Napi::Env env, Napi::Object exports);

}  // namespace gpuvm
