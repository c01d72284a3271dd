#ifndef GPUVM_HOSTILE_H
#define GPUVM_HOSTILE_H

#include <stdint.h>

// So many messages and calls that no driver makes, from one seed; prints their tally, returns the exit status.
int run_hostile(int device, const char* path, uint64_t count, uint64_t seed);

#endif
