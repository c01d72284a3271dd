#pragma once
#include <napi.h>

namespace gpuvm {

// A failed system call as a JavaScript Error: message "open(/dev/x): Permission denied", plus `code` ("EACCES"),
// `errno` (positive) and `syscall`, the properties that Node's own errors have.
Napi::Error SystemCallError(Napi::Env env, int error, const char* syscall, const char* subject = nullptr);

}  // namespace gpuvm
