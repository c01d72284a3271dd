// The BPMP host device as its users see it: one transfer is one write of this message.
#ifndef GPUVM_HOST_MESSAGE_H
#define GPUVM_HOST_MESSAGE_H

#include <stdint.h>
#include <time.h>

struct host_message {
  uint32_t mrq;
  uint32_t reserved;
  uint64_t tx_data;
  uint64_t tx_size;
  uint64_t rx_data;
  uint64_t rx_size;
  int32_t rx_ret;
  uint32_t rx_reserved;
};
_Static_assert(sizeof(struct host_message) == 48, "the message has 48 bytes");

#define HOST_PAYLOAD 512

static inline uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static inline struct host_message new_message(uint32_t mrq, void* tx, uint64_t tx_size, void* rx, uint64_t rx_size) {
  return (struct host_message){.mrq = mrq,
                               .tx_data = (uintptr_t)tx,
                               .tx_size = tx_size,
                               .rx_data = (uintptr_t)rx,
                               .rx_size = rx_size,
                               .rx_ret = -1};
}

#endif
