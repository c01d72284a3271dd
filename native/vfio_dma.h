#pragma once
#include <napi.h>

namespace gpuvm {

// DMA through a container of type 1: memory that its devices reach at an address of our choice (an IOVA).
void RegisterVfioDma(Napi::Env env, Napi::Object exports);

}  // namespace gpuvm
