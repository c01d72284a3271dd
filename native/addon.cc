// The addon's door: each kernel interface registers what it offers. src/native/addon.ts holds the types of all of it.
#include <napi.h>

#include "readiness.h"
#include "shared_memory.h"
#include "unix_socket.h"

namespace gpuvm {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  RegisterReadiness(env, exports);
  RegisterSharedMemory(env, exports);
  RegisterUnixSocket(env, exports);
  return exports;
}

NODE_API_MODULE(gpuvm, Init)

}  // namespace gpuvm
