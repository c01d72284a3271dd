#include "vfio_device.h"

#include <linux/vfio.h>

#include <cerrno>

#include "errors.h"
#include "vfio_call.h"

namespace gpuvm {
namespace {

Napi::Value DeviceInfo(const Napi::CallbackInfo& info) {
  // argsz, flags, numbers of regions and interrupts, and where the capabilities are, which older headers do not have.
  uint32_t head[5] = {};
  return ReadInfo(info.Env(), FdArgument(info[0]), VFIO_DEVICE_GET_INFO, "VFIO_DEVICE_GET_INFO", head, sizeof head);
}

void Reset(const Napi::CallbackInfo& info) {
  if (Ioctl(FdArgument(info[0]), VFIO_DEVICE_RESET, 0ul) < 0) {
    throw SystemCallError(info.Env(), errno, "VFIO_DEVICE_RESET");
  }
}

}  // namespace

void RegisterVfioDevice(Napi::Env env, Napi::Object exports) {
  exports.Set("vfioDeviceInfo", Napi::Function::New<DeviceInfo>(env));
  exports.Set("vfioDeviceReset", Napi::Function::New<Reset>(env));
}

}  // namespace gpuvm
