#include "vfio_region.h"

#include <linux/vfio.h>
#include <unistd.h>

#include <cerrno>

#include "errors.h"
#include "vfio_call.h"

namespace gpuvm {
namespace {

Napi::Value RegionInfo(const Napi::CallbackInfo& info) {
  vfio_region_info head = {};
  head.index = U32Argument(info[1]);
  return ReadInfo(info.Env(), FdArgument(info[0]), VFIO_DEVICE_GET_REGION_INFO, "VFIO_DEVICE_GET_REGION_INFO", &head,
                  sizeof head);
}

// One call of one access's size: the kernel makes it one access of the device.
template <bool kWrite>
Napi::Value Transfer(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = FdArgument(info[0]);
  uint64_t offset = U64Argument(info[1]);
  if (!info[2].IsTypedArray() || info[2].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throw Napi::TypeError::New(env, "a Uint8Array is needed");
  }
  auto bytes = info[2].As<Napi::Uint8Array>();
  const char* call = kWrite ? "pwrite" : "pread";
  if (offset > INT64_MAX) throw SystemCallError(env, EOVERFLOW, call);
  ssize_t done;
  do {
    done = kWrite ? pwrite(fd, bytes.Data(), bytes.ByteLength(), static_cast<off_t>(offset))
                  : pread(fd, bytes.Data(), bytes.ByteLength(), static_cast<off_t>(offset));
  } while (done < 0 && errno == EINTR);
  if (done < 0) throw SystemCallError(env, errno, call);
  return Napi::Number::New(env, static_cast<double>(done));
}

}  // namespace

void RegisterVfioRegion(Napi::Env env, Napi::Object exports) {
  exports.Set("vfioRegionInfo", Napi::Function::New<RegionInfo>(env));
  exports.Set("vfioRegionRead", Napi::Function::New<Transfer<false>>(env));
  exports.Set("vfioRegionWrite", Napi::Function::New<Transfer<true>>(env));
}

}  // namespace gpuvm
