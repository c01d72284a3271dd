#include "vfio_dma.h"

#include <fcntl.h>
#include <linux/vfio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>

#include "errors.h"
#include "vfio_call.h"
#include "vfio_mapping.h"

namespace gpuvm {
namespace {

// Sealed: pages that a device may write to stay as many as they are.
Napi::Value CreateDmaMemory(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  uint64_t size = U64Argument(info[0]);
  if (size == 0 || size > INT64_MAX) throw SystemCallError(env, EINVAL, "ftruncate");
  int fd = memfd_create("gpuvm-dma", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) throw SystemCallError(env, errno, "memfd_create");
  const char* call = "ftruncate";
  int result = ftruncate(fd, static_cast<off_t>(size));
  if (result == 0) {
    call = "fcntl";
    result = fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  }
  if (result != 0) {
    int error = errno;
    close(fd);
    throw SystemCallError(env, error, call);
  }
  return Napi::Number::New(env, fd);
}

void MapDma(const Napi::CallbackInfo& info) {
  std::shared_ptr<MappedRange> range = RangeOf(info[1]);
  vfio_iommu_type1_dma_map map = {};
  map.argsz = sizeof map;
  map.flags = U32Argument(info[3]);
  map.vaddr = reinterpret_cast<uintptr_t>(range->data());
  map.iova = U64Argument(info[2]);
  map.size = range->length();
  if (Ioctl(FdArgument(info[0]), VFIO_IOMMU_MAP_DMA, &map) < 0) {
    throw SystemCallError(info.Env(), errno, "VFIO_IOMMU_MAP_DMA");
  }
}

Napi::Value UnmapDma(const Napi::CallbackInfo& info) {
  vfio_iommu_type1_dma_unmap unmap = {};
  unmap.argsz = sizeof unmap;
  unmap.iova = U64Argument(info[1]);
  unmap.size = U64Argument(info[2]);
  if (Ioctl(FdArgument(info[0]), VFIO_IOMMU_UNMAP_DMA, &unmap) < 0) {
    throw SystemCallError(info.Env(), errno, "VFIO_IOMMU_UNMAP_DMA");
  }
  return Napi::BigInt::New(info.Env(), static_cast<uint64_t>(unmap.size));
}

}  // namespace

void RegisterVfioDma(Napi::Env env, Napi::Object exports) {
  exports.Set("vfioCreateDmaMemory", Napi::Function::New<CreateDmaMemory>(env));
  exports.Set("vfioMapDma", Napi::Function::New<MapDma>(env));
  exports.Set("vfioUnmapDma", Napi::Function::New<UnmapDma>(env));
}

}  // namespace gpuvm
