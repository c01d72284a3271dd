// The structures are written out here, after the kernel's include/uapi/linux/{iommufd,vfio}.h: distributions of today
// have headers that are older than the kernels they run.
#include "vfio_iommufd.h"

#include <linux/ioctl.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <vector>

#include "errors.h"
#include "vfio_call.h"
#include "vfio_mapping.h"

namespace gpuvm {
namespace {

constexpr unsigned long Iommu(unsigned number) { return _IO(';', number); }
constexpr unsigned long kIoasAlloc = Iommu(0x81);
constexpr unsigned long kIoasIovaRanges = Iommu(0x84);
constexpr unsigned long kIoasMap = Iommu(0x85);
constexpr unsigned long kIoasUnmap = Iommu(0x86);
constexpr unsigned long kBind = _IO(';', 100 + 18);
constexpr unsigned long kAttach = _IO(';', 100 + 19);
constexpr unsigned long kDetach = _IO(';', 100 + 20);
// Reserved stretches make a handful of ranges.
constexpr uint32_t kMaxRanges = 4096;

struct BindCall {
  uint32_t argsz;
  uint32_t flags;
  int32_t iommufd;
  uint32_t out_devid;
};
struct AttachCall {
  uint32_t argsz;
  uint32_t flags;
  uint32_t pt_id;
};
struct DetachCall {
  uint32_t argsz;
  uint32_t flags;
};
struct AllocCall {
  uint32_t size;
  uint32_t flags;
  uint32_t out_ioas_id;
};
struct RangesCall {
  uint32_t size;
  uint32_t ioas_id;
  uint32_t num_iovas;
  uint32_t reserved;
  uint64_t allowed_iovas;
  uint64_t out_iova_alignment;
};
struct MapCall {
  uint32_t size;
  uint32_t flags;
  uint32_t ioas_id;
  uint32_t reserved;
  uint64_t user_va;
  uint64_t length;
  uint64_t iova;
};
struct UnmapCall {
  uint32_t size;
  uint32_t ioas_id;
  uint64_t iova;
  uint64_t length;
};
static_assert(sizeof(BindCall) == 16 && sizeof(AttachCall) == 12 && sizeof(AllocCall) == 12, "as the kernel has them");
static_assert(sizeof(RangesCall) == 32 && sizeof(MapCall) == 40 && sizeof(UnmapCall) == 24, "as the kernel has them");

Napi::Value Bind(const Napi::CallbackInfo& info) {
  BindCall call = {sizeof call, 0, FdArgument(info[1]), 0};
  if (Ioctl(FdArgument(info[0]), kBind, &call) < 0) {
    throw SystemCallError(info.Env(), errno, "VFIO_DEVICE_BIND_IOMMUFD");
  }
  return Napi::Number::New(info.Env(), call.out_devid);
}

void Attach(const Napi::CallbackInfo& info) {
  AttachCall call = {sizeof call, 0, U32Argument(info[1])};
  if (Ioctl(FdArgument(info[0]), kAttach, &call) < 0) {
    throw SystemCallError(info.Env(), errno, "VFIO_DEVICE_ATTACH_IOMMUFD_PT");
  }
}

void Detach(const Napi::CallbackInfo& info) {
  DetachCall call = {sizeof call, 0};
  if (Ioctl(FdArgument(info[0]), kDetach, &call) < 0) {
    throw SystemCallError(info.Env(), errno, "VFIO_DEVICE_DETACH_IOMMUFD_PT");
  }
}

Napi::Value AllocIoas(const Napi::CallbackInfo& info) {
  AllocCall call = {sizeof call, 0, 0};
  if (Ioctl(FdArgument(info[0]), kIoasAlloc, &call) < 0) throw SystemCallError(info.Env(), errno, "IOMMU_IOAS_ALLOC");
  return Napi::Number::New(info.Env(), call.out_ioas_id);
}

// [first, last, first, last, …, alignment]
Napi::Value IovaRanges(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = FdArgument(info[0]);
  uint32_t count = 16;
  for (int attempt = 0; attempt < 4; attempt++) {
    std::vector<uint64_t> ranges(size_t{count} * 2);
    RangesCall call = {sizeof call, U32Argument(info[1]), count, 0, reinterpret_cast<uintptr_t>(ranges.data()), 0};
    int result = Ioctl(fd, kIoasIovaRanges, &call);
    if (result < 0 && errno != EMSGSIZE) throw SystemCallError(env, errno, "IOMMU_IOAS_IOVA_RANGES");
    if (call.num_iovas <= count && result == 0) {
      uint32_t words = call.num_iovas * 2;
      auto found = Napi::BigUint64Array::New(env, words + 1);
      for (uint32_t i = 0; i < words; i++) found[i] = ranges[i];
      found[words] = call.out_iova_alignment;
      return found;
    }
    if (call.num_iovas > kMaxRanges) break;
    count = call.num_iovas > count ? call.num_iovas : count * 2;
  }
  throw SystemCallError(env, EOVERFLOW, "IOMMU_IOAS_IOVA_RANGES");
}

void Map(const Napi::CallbackInfo& info) {
  std::shared_ptr<MappedRange> range = RangeOf(info[2]);
  MapCall call = {};
  call.size = sizeof call;
  call.flags = U32Argument(info[4]);
  call.ioas_id = U32Argument(info[1]);
  call.user_va = reinterpret_cast<uintptr_t>(range->data());
  call.length = range->length();
  call.iova = U64Argument(info[3]);
  if (Ioctl(FdArgument(info[0]), kIoasMap, &call) < 0) throw SystemCallError(info.Env(), errno, "IOMMU_IOAS_MAP");
}

Napi::Value Unmap(const Napi::CallbackInfo& info) {
  UnmapCall call = {sizeof call, U32Argument(info[1]), U64Argument(info[2]), U64Argument(info[3])};
  if (Ioctl(FdArgument(info[0]), kIoasUnmap, &call) < 0) throw SystemCallError(info.Env(), errno, "IOMMU_IOAS_UNMAP");
  return Napi::BigInt::New(info.Env(), call.length);
}

}  // namespace

void RegisterVfioIommufd(Napi::Env env, Napi::Object exports) {
  exports.Set("vfioBindIommufd", Napi::Function::New<Bind>(env));
  exports.Set("vfioAttachIommufd", Napi::Function::New<Attach>(env));
  exports.Set("vfioDetachIommufd", Napi::Function::New<Detach>(env));
  exports.Set("iommufdAllocIoas", Napi::Function::New<AllocIoas>(env));
  exports.Set("iommufdIovaRanges", Napi::Function::New<IovaRanges>(env));
  exports.Set("iommufdMap", Napi::Function::New<Map>(env));
  exports.Set("iommufdUnmap", Napi::Function::New<Unmap>(env));
}

}  // namespace gpuvm
