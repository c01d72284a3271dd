#include "vfio_fault.h"

#include <signal.h>

#include <mutex>

namespace gpuvm {

thread_local sigjmp_buf* volatile fault_exit __attribute__((tls_model("initial-exec"))) = nullptr;

namespace {

struct sigaction before;

void OnFault(int signal, siginfo_t* info, void* context) {
  if (fault_exit != nullptr) siglongjmp(*fault_exit, 1);
  if ((before.sa_flags & SA_SIGINFO) != 0) {
    before.sa_sigaction(signal, info, context);
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(signal);
  } else {
    // The instruction is run again, and this time it ends the process as it always did.
    struct sigaction plain = {};
    plain.sa_handler = SIG_DFL;
    sigaction(SIGBUS, &plain, nullptr);
  }
}

}  // namespace

void InstallFaultGuard() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action = {};
    action.sa_sigaction = OnFault;
    action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &before);
  });
}

}  // namespace gpuvm
