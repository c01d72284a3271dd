#include "vfio_group.h"

#include <fcntl.h>
#include <linux/vfio.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "errors.h"
#include "vfio_call.h"

namespace gpuvm {
namespace {

Napi::Value Status(const Napi::CallbackInfo& info) {
  vfio_group_status status = {};
  status.argsz = sizeof status;
  if (Ioctl(FdArgument(info[0]), VFIO_GROUP_GET_STATUS, &status) < 0) {
    throw SystemCallError(info.Env(), errno, "VFIO_GROUP_GET_STATUS");
  }
  return Napi::Number::New(info.Env(), status.flags);
}

void SetContainer(const Napi::CallbackInfo& info) {
  int container = FdArgument(info[1]);
  if (Ioctl(FdArgument(info[0]), VFIO_GROUP_SET_CONTAINER, &container) < 0) {
    throw SystemCallError(info.Env(), errno, "VFIO_GROUP_SET_CONTAINER");
  }
}

void UnsetContainer(const Napi::CallbackInfo& info) {
  if (Ioctl(FdArgument(info[0]), VFIO_GROUP_UNSET_CONTAINER, 0ul) < 0) {
    throw SystemCallError(info.Env(), errno, "VFIO_GROUP_UNSET_CONTAINER");
  }
}

Napi::Value Device(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!info[1].IsString()) throw Napi::TypeError::New(env, "a device's name is needed");
  std::string name = info[1].As<Napi::String>().Utf8Value();
  int fd = Ioctl(FdArgument(info[0]), VFIO_GROUP_GET_DEVICE_FD, name.data());
  if (fd < 0) throw SystemCallError(env, errno, "VFIO_GROUP_GET_DEVICE_FD", name.c_str());
  // The kernel opens it close-on-exec since 2013; where it did not, a child would keep the device.
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
    int error = errno;
    close(fd);
    throw SystemCallError(env, error, "fcntl");
  }
  return Napi::Number::New(env, fd);
}

}  // namespace

void RegisterVfioGroup(Napi::Env env, Napi::Object exports) {
  exports.Set("vfioGroupStatus", Napi::Function::New<Status>(env));
  exports.Set("vfioGroupSetContainer", Napi::Function::New<SetContainer>(env));
  exports.Set("vfioGroupUnsetContainer", Napi::Function::New<UnsetContainer>(env));
  exports.Set("vfioGroupDevice", Napi::Function::New<Device>(env));
}

}  // namespace gpuvm
