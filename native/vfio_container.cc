#include "vfio_container.h"

#include <linux/vfio.h>

#include <cerrno>

#include "errors.h"
#include "vfio_call.h"

namespace gpuvm {
namespace {

Napi::Value ApiVersion(const Napi::CallbackInfo& info) {
  int version = Ioctl(FdArgument(info[0]), VFIO_GET_API_VERSION, 0ul);
  if (version < 0) throw SystemCallError(info.Env(), errno, "VFIO_GET_API_VERSION");
  return Napi::Number::New(info.Env(), version);
}

Napi::Value CheckExtension(const Napi::CallbackInfo& info) {
  int answer = Ioctl(FdArgument(info[0]), VFIO_CHECK_EXTENSION, static_cast<unsigned long>(U32Argument(info[1])));
  if (answer < 0) throw SystemCallError(info.Env(), errno, "VFIO_CHECK_EXTENSION");
  return Napi::Boolean::New(info.Env(), answer > 0);
}

void SetIommu(const Napi::CallbackInfo& info) {
  if (Ioctl(FdArgument(info[0]), VFIO_SET_IOMMU, static_cast<unsigned long>(U32Argument(info[1]))) < 0) {
    throw SystemCallError(info.Env(), errno, "VFIO_SET_IOMMU");
  }
}

Napi::Value IommuInfo(const Napi::CallbackInfo& info) {
  vfio_iommu_type1_info head = {};
  return ReadInfo(info.Env(), FdArgument(info[0]), VFIO_IOMMU_GET_INFO, "VFIO_IOMMU_GET_INFO", &head, sizeof head);
}

}  // namespace

void RegisterVfioContainer(Napi::Env env, Napi::Object exports) {
  exports.Set("vfioApiVersion", Napi::Function::New<ApiVersion>(env));
  exports.Set("vfioCheckExtension", Napi::Function::New<CheckExtension>(env));
  exports.Set("vfioSetIommu", Napi::Function::New<SetIommu>(env));
  exports.Set("vfioIommuInfo", Napi::Function::New<IommuInfo>(env));
}

}  // namespace gpuvm
