#include "shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "errors.h"

namespace gpuvm {
namespace {

// Sealed against every change of size: a peer that shrank the file would end this process with SIGBUS.
Napi::Value CreateMemory(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string name = info[0].ToString().Utf8Value();
  int fd = memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) throw SystemCallError(env, errno, "memfd_create", name.c_str());
  const char* call = "ftruncate";
  int result = ftruncate(fd, info[1].ToNumber().Int64Value());
  if (result == 0) {
    call = "fcntl";
    result = fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  }
  if (result != 0) {
    int error = errno;
    close(fd);
    throw SystemCallError(env, error, call, name.c_str());
  }
  return Napi::Number::New(env, fd);
}

void Unmap(Napi::Env, void* data, size_t* length) {
  munmap(data, *length);
  delete length;
}

Napi::Value MapMemory(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int64_t length = info[1].ToNumber().Int64Value();
  if (length <= 0) throw SystemCallError(env, EINVAL, "mmap");
  void* data = mmap(nullptr, static_cast<size_t>(length), PROT_READ | PROT_WRITE, MAP_SHARED,
                    info[0].ToNumber().Int32Value(), 0);
  if (data == MAP_FAILED) throw SystemCallError(env, errno, "mmap");
  return Napi::ArrayBuffer::New(env, data, static_cast<size_t>(length), Unmap,
                                new size_t(static_cast<size_t>(length)));
}

#if defined(__aarch64__)
// CTR_EL0.DminLine is the log2 of the number of 4-byte words in the smallest data cache line.
void MaintainRange(uintptr_t start, uintptr_t end) {
  uint64_t cache_type;
  asm volatile("mrs %0, ctr_el0" : "=r"(cache_type));
  uintptr_t line = uintptr_t{4} << ((cache_type >> 16) & 0xf);
  for (uintptr_t at = start & ~(line - 1); at < end; at += line) asm volatile("dc civac, %0" : : "r"(at) : "memory");
  asm volatile("dsb sy" : : : "memory");
}
constexpr bool kMaintains = true;
#else
void MaintainRange(uintptr_t, uintptr_t) {}
constexpr bool kMaintains = false;
#endif

Napi::Value MaintainCache(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto array = info[0].As<Napi::Uint8Array>();
  uintptr_t start = reinterpret_cast<uintptr_t>(array.Data());
  MaintainRange(start, start + array.ByteLength());
  return Napi::Boolean::New(env, kMaintains);
}

Napi::Value PageSize(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(sysconf(_SC_PAGESIZE)));
}

}  // namespace

void RegisterSharedMemory(Napi::Env env, Napi::Object exports) {
  exports.Set("createMemory", Napi::Function::New(env, CreateMemory));
  exports.Set("mapMemory", Napi::Function::New(env, MapMemory));
  exports.Set("maintainCache", Napi::Function::New(env, MaintainCache));
  exports.Set("maintainsCache", Napi::Boolean::New(env, kMaintains));
  exports.Set("pageSize", Napi::Function::New(env, PageSize));
}

}  // namespace gpuvm
