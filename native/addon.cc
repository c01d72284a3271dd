// The addon's door: each kernel interface registers what it offers. src/native/addon.ts holds the types of all of it.
#include <napi.h>

namespace gpuvm {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  (void)env;
  return exports;
}

NODE_API_MODULE(gpuvm, Init)

}  // namespace gpuvm
