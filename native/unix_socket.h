#pragma once
#include <napi.h>

namespace gpuvm {

// Unix stream sockets with descriptor passing: see src/native/unix-socket.ts for what each function does.
void RegisterUnixSocket(Napi::Env env, Napi::Object exports);

}  // namespace gpuvm
