// What a run of transfers came to, and its one line of JSON.
#ifndef GPUVM_TALLY_H
#define GPUVM_TALLY_H

#include <stdint.h>
#include <stdio.h>

#define TALLY_ERRNOS 256

struct tally {
  uint64_t transfers;           // writes that returned 48
  uint64_t denied;              // of those, with a return code below 0
  uint64_t wrong;               // replies that are not what the handler was to send
  uint64_t interrupted;         // EINTR, each followed by a repeat
  uint64_t errors[TALLY_ERRNOS];  // writes that failed, by errno
  uint32_t* latencies;          // ns of each transfer, in order; `capacity` of them at most
  uint64_t measured;
  uint64_t capacity;
};

int tally_init(struct tally* tally, uint64_t capacity);
void tally_latency(struct tally* tally, uint64_t ns);
void tally_error(struct tally* tally, int error);
void tally_add(struct tally* to, const struct tally* from);
// {"transfers":…,"denied":…,"wrong":…,"interrupted":…,"errors":{"EFAULT":…},"signals":…,"p50":…,"p99":…,"max":…}
void tally_print(struct tally* tally, uint64_t signals, FILE* to);

#endif
