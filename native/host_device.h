#pragma once
#include <napi.h>

namespace gpuvm {

// Transfers over the host kernel's BPMP proxy; src/native/host-device.ts says what each function takes.
void RegisterHostDevice(Napi::Env env, Napi::Object exports);

}  // namespace gpuvm
