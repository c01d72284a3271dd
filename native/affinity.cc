#include "affinity.h"

#include <sched.h>

#include <cerrno>

#include "errors.h"

namespace gpuvm {
namespace {

// A set of its own size: the fixed cpu_set_t ends at 1024 CPUs.
class CpuSet {
 public:
  explicit CpuSet(int cpus) : count_(cpus), set_(CPU_ALLOC(cpus)) { CPU_ZERO_S(Size(), set_); }
  ~CpuSet() { CPU_FREE(set_); }
  CpuSet(const CpuSet&) = delete;
  CpuSet& operator=(const CpuSet&) = delete;
  size_t Size() const { return CPU_ALLOC_SIZE(count_); }
  cpu_set_t* Get() const { return set_; }

 private:
  int count_;
  cpu_set_t* set_;
};

constexpr int kMostCpus = 8192;

Napi::Value SetAffinity(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Int32Array cpus = info[1].As<Napi::Int32Array>();
  CpuSet set(kMostCpus);
  for (size_t i = 0; i < cpus.ElementLength(); i++) {
    if (cpus[i] < 0 || cpus[i] >= kMostCpus) throw SystemCallError(env, EINVAL, "sched_setaffinity");
    CPU_SET_S(static_cast<size_t>(cpus[i]), set.Size(), set.Get());
  }
  if (sched_setaffinity(info[0].ToNumber().Int32Value(), set.Size(), set.Get()) != 0) {
    throw SystemCallError(env, errno, "sched_setaffinity");
  }
  return env.Undefined();
}

Napi::Value GetAffinity(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  CpuSet set(kMostCpus);
  if (sched_getaffinity(info[0].ToNumber().Int32Value(), set.Size(), set.Get()) != 0) {
    throw SystemCallError(env, errno, "sched_getaffinity");
  }
  Napi::Array cpus = Napi::Array::New(env);
  for (int cpu = 0; cpu < kMostCpus; cpu++) {
    if (CPU_ISSET_S(static_cast<size_t>(cpu), set.Size(), set.Get())) {
      cpus.Set(cpus.Length(), Napi::Number::New(env, cpu));
    }
  }
  return cpus;
}

}  // namespace

void RegisterAffinity(Napi::Env env, Napi::Object exports) {
  exports.Set("setAffinity", Napi::Function::New(env, SetAffinity));
  exports.Set("getAffinity", Napi::Function::New(env, GetAffinity));
}

}  // namespace gpuvm
