#include "vfio_call.h"

#include <sys/ioctl.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "errors.h"

namespace gpuvm {
namespace {

// Real ones are some hundred bytes; whoever announces more is not to make us allocate it.
constexpr size_t kMaxInfo = 64 * 1024;
constexpr int kMaxAttempts = 4;

double WholeNumber(const Napi::Value& value, double most) {
  if (value.IsNumber()) {
    double number = value.As<Napi::Number>().DoubleValue();
    if (number >= 0 && number <= most && std::floor(number) == number) return number;
  }
  throw Napi::TypeError::New(value.Env(), "a whole number from 0 to " + std::to_string(static_cast<uint64_t>(most)) +
                                              " is needed");
}

}  // namespace

int FdArgument(const Napi::Value& value) { return static_cast<int>(WholeNumber(value, INT32_MAX)); }

uint32_t U32Argument(const Napi::Value& value) { return static_cast<uint32_t>(WholeNumber(value, UINT32_MAX)); }

uint64_t U64Argument(const Napi::Value& value) {
  if (value.IsBigInt()) {
    bool lossless = false;
    uint64_t number = value.As<Napi::BigInt>().Uint64Value(&lossless);
    if (lossless) return number;
  }
  throw Napi::TypeError::New(value.Env(), "a bigint from 0 to 2^64 - 1 is needed");
}

int Ioctl(int fd, unsigned long request, void* argument) {
  int result;
  do {
    result = ioctl(fd, request, argument);
  } while (result < 0 && errno == EINTR);
  return result;
}

int Ioctl(int fd, unsigned long request, unsigned long argument) {
  return Ioctl(fd, request, reinterpret_cast<void*>(argument));
}

Napi::Value ReadInfo(Napi::Env env, int fd, unsigned long request, const char* name, const void* head,
                     size_t head_size) {
  size_t size = head_size;
  for (int attempt = 0; attempt < kMaxAttempts; attempt++) {
    // Words, for the kernel's structures are aligned to eight bytes.
    std::vector<uint64_t> words((size + 7) / 8);
    std::memcpy(words.data(), head, head_size);
    uint32_t argsz = static_cast<uint32_t>(size);
    std::memcpy(words.data(), &argsz, sizeof argsz);
    if (Ioctl(fd, request, words.data()) < 0) throw SystemCallError(env, errno, name);
    std::memcpy(&argsz, words.data(), sizeof argsz);
    if (argsz <= size) {
      // A kernel that fills less than it was given room for leaves zeros.
      return Napi::Buffer<uint8_t>::Copy(env, reinterpret_cast<uint8_t*>(words.data()), size);
    }
    if (argsz > kMaxInfo) break;
    size = argsz;
  }
  throw SystemCallError(env, EOVERFLOW, name);
}

}  // namespace gpuvm
