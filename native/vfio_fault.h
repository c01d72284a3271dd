#pragma once
#include <setjmp.h>

namespace gpuvm {

// A device's memory can go away under a mapping: a PCI function whose memory decoding was switched off faults at every
// access, and SIGBUS would end the process. Inside Guarded that signal becomes a false instead.

// Installs the handler, once; a SIGBUS from elsewhere goes to whoever was there before.
void InstallFaultGuard();

// Where this thread goes on when the access that it makes faults; null while it makes none. Only Guarded sets it.
extern thread_local sigjmp_buf* volatile fault_exit __attribute__((tls_model("initial-exec")));

// False where the access faulted. It must hold nothing that needs to be given back.
template <typename Access>
bool Guarded(const Access& access) {
  sigjmp_buf exit;
  // The handler leaves SIGBUS unblocked, so there is no mask to save, and no system call to make.
  if (sigsetjmp(exit, 0) != 0) {
    fault_exit = nullptr;
    return false;
  }
  fault_exit = &exit;
  access();
  fault_exit = nullptr;
  return true;
}

}  // namespace gpuvm
