#pragma once
#include <napi.h>

#include <cstddef>
#include <cstdint>

namespace gpuvm {

// What the files of VFIO share: arguments at full width, and ioctls.

// Throws a TypeError for what is not a whole number of that range; nothing is cut off or wrapped round.
int FdArgument(const Napi::Value& value);
uint32_t U32Argument(const Napi::Value& value);
uint64_t U64Argument(const Napi::Value& value);  // a bigint

// ioctl(2), again where a signal cut it short. -1 and errno, as the system call.
int Ioctl(int fd, unsigned long request, void* argument);
int Ioctl(int fd, unsigned long request, unsigned long argument);

// An ioctl that fills a structure whose first word is its size, and which says there how much it would have liked to
// have. The whole of it as bytes, nothing of which is looked at here; `head` is what is handed in.
Napi::Value ReadInfo(Napi::Env env, int fd, unsigned long request, const char* name, const void* head, size_t head_size);

}  // namespace gpuvm
