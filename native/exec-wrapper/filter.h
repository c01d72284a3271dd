// The seccomp filter that stands between a VMM and the device it believes it opened.
#ifndef GPUVM_FILTER_H
#define GPUVM_FILTER_H

#include <stdbool.h>

// The descriptor number that the VMM's open of the device is answered with. High enough to be free in any VMM that
// has just started; the filter knows the device by this number alone.
#define GPUVM_STAND_IN_FD 1000
// One transfer is one write of this many bytes.
#define GPUVM_MESSAGE_SIZE 48

// Installs the filter on the calling thread and returns its listener, or -1 with errno. `*wait_killable` asks for
// WAIT_KILLABLE_RECV (Linux 5.19) and is set to false where the kernel does not have it.
int gpuvm_install_filter(bool* wait_killable);

#endif
