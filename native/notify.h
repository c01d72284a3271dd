#pragma once
#include <napi.h>

namespace gpuvm {

// What talking to a service manager takes: a datagram with descriptors, and descriptors that were inherited.
void RegisterNotify(Napi::Env env, Napi::Object exports);

}  // namespace gpuvm
