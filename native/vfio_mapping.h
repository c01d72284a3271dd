#pragma once
#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace gpuvm {

void RegisterVfioMapping(Napi::Env env, Napi::Object exports);

// A stretch of address space. It is given up when the last one lets go of it: the mapping, and the buffer over it,
// which may have been moved to another thread.
class MappedRange {
 public:
  MappedRange(uint8_t* data, size_t length) : data_(data), length_(length) {}
  ~MappedRange();
  MappedRange(const MappedRange&) = delete;
  MappedRange& operator=(const MappedRange&) = delete;

  uint8_t* data() const { return data_; }
  size_t length() const { return length_; }
  // Puts zeros in the place of what was mapped, so that the file behind it is let go although the addresses stay.
  bool Revoke();

 private:
  uint8_t* data_;
  size_t length_;
};

// The range of a JavaScript VfioMapping that is open; throws a TypeError for anything else.
std::shared_ptr<MappedRange> RangeOf(const Napi::Value& value);

}  // namespace gpuvm
