#include "vfio_mapping.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>

#include "errors.h"
#include "vfio_call.h"
#include "vfio_fault.h"

namespace gpuvm {
namespace {

constexpr napi_type_tag kTag = {0x6f5d9a3c1be24788, 0x9b0e47d2c865f1a3};
enum Access : uint32_t { kReadable = 1, kWritable = 2 };

// One access of exactly this width: the compiler may neither split a volatile one nor leave it out.
uint64_t Load(const uint8_t* at, uint32_t width) {
  switch (width) {
    case 1:
      return *reinterpret_cast<const volatile uint8_t*>(at);
    case 2:
      return *reinterpret_cast<const volatile uint16_t*>(at);
    case 4:
      return *reinterpret_cast<const volatile uint32_t*>(at);
    default:
      return *reinterpret_cast<const volatile uint64_t*>(at);
  }
}

void Store(uint8_t* at, uint32_t width, uint64_t value) {
  switch (width) {
    case 1:
      *reinterpret_cast<volatile uint8_t*>(at) = static_cast<uint8_t>(value);
      break;
    case 2:
      *reinterpret_cast<volatile uint16_t*>(at) = static_cast<uint16_t>(value);
      break;
    case 4:
      *reinterpret_cast<volatile uint32_t*>(at) = static_cast<uint32_t>(value);
      break;
    default:
      *reinterpret_cast<volatile uint64_t*>(at) = value;
      break;
  }
}

class VfioMapping : public Napi::ObjectWrap<VfioMapping> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "VfioMapping",
                       {InstanceMethod<&VfioMapping::Read>("read"), InstanceMethod<&VfioMapping::Write>("write"),
                        InstanceMethod<&VfioMapping::CopyOut>("copyOut"),
                        InstanceMethod<&VfioMapping::CopyIn>("copyIn"), InstanceMethod<&VfioMapping::Buffer>("buffer"),
                        InstanceMethod<&VfioMapping::Close>("close")});
  }

  explicit VfioMapping(const Napi::CallbackInfo& info) : Napi::ObjectWrap<VfioMapping>(info) {
    Napi::Env env = info.Env();
    int fd = FdArgument(info[0]);
    uint64_t offset = U64Argument(info[1]);
    uint64_t length = U64Argument(info[2]);
    access_ = U32Argument(info[3]);
    if (offset > INT64_MAX || length == 0 || length > INT64_MAX) throw SystemCallError(env, EINVAL, "mmap");
    int protection = ((access_ & kReadable) != 0 ? PROT_READ : 0) | ((access_ & kWritable) != 0 ? PROT_WRITE : 0);
    InstallFaultGuard();
    void* data = mmap(nullptr, length, protection, MAP_SHARED, fd, static_cast<off_t>(offset));
    if (data == MAP_FAILED) throw SystemCallError(env, errno, "mmap");
    range_ = std::make_shared<MappedRange>(static_cast<uint8_t*>(data), length);
    if (napi_type_tag_object(env, info.This(), &kTag) != napi_ok) throw Napi::Error::New(env, "cannot be tagged");
  }

  const std::shared_ptr<MappedRange>& range() const { return range_; }

 private:
  // Where `size` bytes at the offset are; throws where they are not all inside, or not aligned to the width.
  uint8_t* At(const Napi::Value& offset, uint64_t size, uint32_t width, uint32_t needed) {
    Napi::Env env = offset.Env();
    if (range_ == nullptr) throw Napi::Error::New(env, "the mapping is closed");
    if ((access_ & needed) != needed) throw SystemCallError(env, EACCES, "mapping");
    if (width != 1 && width != 2 && width != 4 && width != 8) {
      throw Napi::RangeError::New(env, "an access has 1, 2, 4 or 8 bytes");
    }
    uint64_t at = offset.IsBigInt() ? U64Argument(offset) : Offset(offset);
    if (at % width != 0 || size % width != 0) throw Napi::RangeError::New(env, "the access is not aligned");
    if (size > range_->length() || at > range_->length() - size) {
      throw Napi::RangeError::New(env, "the access is outside of the mapping");
    }
    return range_->data() + at;
  }

  static uint64_t Offset(const Napi::Value& value) {
    double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
    if (!(number >= 0 && number <= 9007199254740991.0) || std::floor(number) != number) {
      throw Napi::TypeError::New(value.Env(), "an offset is a whole number");
    }
    return static_cast<uint64_t>(number);
  }

  [[noreturn]] static void Fault(Napi::Env env) { throw SystemCallError(env, EFAULT, "SIGBUS"); }

  Napi::Value Read(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    uint32_t width = U32Argument(info[1]);
    const uint8_t* at = At(info[0], width, width, kReadable);
    volatile uint64_t value = 0;
    if (!Guarded([&] { value = Load(at, width); })) Fault(env);
    if (width == 8) return Napi::BigInt::New(env, static_cast<uint64_t>(value));
    return Napi::Number::New(env, static_cast<double>(value));
  }

  void Write(const Napi::CallbackInfo& info) {
    uint32_t width = U32Argument(info[1]);
    uint8_t* at = At(info[0], width, width, kWritable);
    uint64_t value = width == 8 ? U64Argument(info[2]) : U32Argument(info[2]);
    if (width < 4 && value >> (width * 8) != 0) throw Napi::RangeError::New(info.Env(), "the value is too large");
    if (!Guarded([&] { Store(at, width, value); })) Fault(info.Env());
  }

  // Copies in accesses of one width: memcpy may use any, unaligned ones too, which device memory does not bear.
  template <bool kIn>
  void Copy(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    if (!info[1].IsTypedArray() || info[1].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
      throw Napi::TypeError::New(env, "a Uint8Array is needed");
    }
    auto array = info[1].As<Napi::Uint8Array>();
    uint8_t* bytes = array.Data();
    size_t size = array.ByteLength();
    uint32_t width = U32Argument(info[2]);
    uint8_t* at = At(info[0], size, width, kIn ? kWritable : kReadable);
    bool done = Guarded([&] {
      for (size_t i = 0; i < size; i += width) {
        uint64_t word = 0;
        if (kIn) {
          std::memcpy(&word, bytes + i, width);
          Store(at + i, width, word);
        } else {
          word = Load(at + i, width);
          std::memcpy(bytes + i, &word, width);
        }
      }
    });
    if (!done) Fault(env);
  }

  void CopyOut(const Napi::CallbackInfo& info) { Copy<false>(info); }
  void CopyIn(const Napi::CallbackInfo& info) { Copy<true>(info); }

  // The same buffer each time: V8 wants to hear of an address once.
  Napi::Value Buffer(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    if (range_ == nullptr) throw Napi::Error::New(env, "the mapping is closed");
    if (access_ != (kReadable | kWritable)) throw SystemCallError(env, EACCES, "mapping");
    if (!buffer_.IsEmpty()) return buffer_.Value();
    auto* kept = new std::shared_ptr<MappedRange>(range_);
    Napi::ArrayBuffer buffer;
    try {
      buffer = Napi::ArrayBuffer::New(env, range_->data(), range_->length(), LetGo, kept);
    } catch (...) {
      delete kept;
      throw;
    }
    buffer_ = Napi::Persistent(buffer);
    return buffer;
  }

  static void LetGo(Napi::Env, void*, std::shared_ptr<MappedRange>* kept) { delete kept; }

  // True where the file behind the mapping is let go of at once, as it is but for a kernel that is out of mappings.
  Napi::Value Close(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    bool released = true;
    if (range_ != nullptr && !buffer_.IsEmpty()) {
      // Somebody may have taken the memory over with a transfer, and finds zeros from now on; everybody else an empty
      // buffer. The addresses are given up with V8's own record of them.
      released = range_->Revoke();
      Napi::ArrayBuffer buffer = buffer_.Value();
      if (!buffer.IsDetached()) buffer.Detach();
      buffer_.Reset();
    }
    range_.reset();
    return Napi::Boolean::New(env, released);
  }

  std::shared_ptr<MappedRange> range_;
  Napi::Reference<Napi::ArrayBuffer> buffer_;
  uint32_t access_ = 0;
};

}  // namespace

MappedRange::~MappedRange() { munmap(data_, length_); }

bool MappedRange::Revoke() {
  return mmap(data_, length_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) !=
         MAP_FAILED;
}

std::shared_ptr<MappedRange> RangeOf(const Napi::Value& value) {
  bool ours = false;
  if (value.IsObject()) napi_check_object_type_tag(value.Env(), value, &kTag, &ours);
  if (!ours) throw Napi::TypeError::New(value.Env(), "a mapping is needed");
  const std::shared_ptr<MappedRange>& range = VfioMapping::Unwrap(value.As<Napi::Object>())->range();
  if (range == nullptr) throw Napi::Error::New(value.Env(), "the mapping is closed");
  return range;
}

void RegisterVfioMapping(Napi::Env env, Napi::Object exports) { exports.Set("VfioMapping", VfioMapping::Define(env)); }

}  // namespace gpuvm
