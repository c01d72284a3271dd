#pragma once
#include <napi.h>

namespace gpuvm {

// Stream offsets that the kernel keeps and a process's death does not lose: see src/native/durable-stream.ts.
void RegisterDurableStream(Napi::Env env, Napi::Object exports);

}  // namespace gpuvm
