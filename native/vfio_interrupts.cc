#include "vfio_interrupts.h"

#include <linux/vfio.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <vector>

#include "errors.h"
#include "vfio_call.h"

namespace gpuvm {
namespace {

Napi::Value InterruptInfo(const Napi::CallbackInfo& info) {
  vfio_irq_info head = {};
  head.index = U32Argument(info[1]);
  return ReadInfo(info.Env(), FdArgument(info[0]), VFIO_DEVICE_GET_IRQ_INFO, "VFIO_DEVICE_GET_IRQ_INFO", &head,
                  sizeof head);
}

// What the kernel will read behind the header, by the kind of data that the flags announce.
size_t DataSize(uint32_t flags, uint32_t count) {
  switch (flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
    case VFIO_IRQ_SET_DATA_EVENTFD:
      return size_t{count} * sizeof(int32_t);
    case VFIO_IRQ_SET_DATA_BOOL:
      return count;
    default:
      return 0;
  }
}

void SetInterrupts(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = FdArgument(info[0]);
  vfio_irq_set head = {};
  head.flags = U32Argument(info[1]);
  head.index = U32Argument(info[2]);
  head.start = U32Argument(info[3]);
  head.count = U32Argument(info[4]);
  const void* data = nullptr;
  size_t size = 0;
  if (info[5].IsTypedArray()) {
    auto array = info[5].As<Napi::TypedArray>();
    data = static_cast<uint8_t*>(array.ArrayBuffer().Data()) + array.ByteOffset();
    size = array.ByteLength();
  }
  if (size != DataSize(head.flags, head.count)) {
    throw Napi::RangeError::New(env, "the data is not of the size that flags and count announce");
  }
  std::vector<uint32_t> call((sizeof head + size + 3) / 4);
  head.argsz = static_cast<uint32_t>(sizeof head + size);
  std::memcpy(call.data(), &head, sizeof head);
  if (size > 0) std::memcpy(reinterpret_cast<uint8_t*>(call.data()) + sizeof head, data, size);
  if (Ioctl(fd, VFIO_DEVICE_SET_IRQS, call.data()) < 0) throw SystemCallError(env, errno, "VFIO_DEVICE_SET_IRQS");
}

}  // namespace

void RegisterVfioInterrupts(Napi::Env env, Napi::Object exports) {
  exports.Set("vfioInterruptInfo", Napi::Function::New<InterruptInfo>(env));
  exports.Set("vfioSetInterrupts", Napi::Function::New<SetInterrupts>(env));
}

}  // namespace gpuvm
