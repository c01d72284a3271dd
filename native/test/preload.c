// A stand-in for the device inside a real VMM: preloaded, it starts a thread that opens the BPMP host device and makes
// transfers while the machine runs.
//
//   GPUVM_STANDIN_REPORT  file for the tally, opened before the VMM drops its privileges; without it nothing happens
//   GPUVM_STANDIN_COUNT   transfers, 1000
//   GPUVM_STANDIN_WAIT_MS time between the open and the first transfer, in which the VMM finishes its start, 0
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host-message.h"
#include "tally.h"

static FILE* report;

static uint64_t setting(const char* name, uint64_t otherwise) {
  const char* text = getenv(name);
  return text ? strtoull(text, NULL, 0) : otherwise;
}

static void* run(void* argument) {
  (void)argument;
  uint64_t count = setting("GPUVM_STANDIN_COUNT", 1000);
  struct tally tally;
  int device = open("/dev/bpmp-host", O_RDWR);
  if (tally_init(&tally, count) != 0 || device < 0) {
    fprintf(report, "{\"open\":\"%s\"}\n", strerrorname_np(errno));
    fclose(report);
    return NULL;
  }
  // A change of user interrupts every thread, and so would end a plain sleep.
  uint64_t start_at = now_ns() + setting("GPUVM_STANDIN_WAIT_MS", 0) * 1000000;
  while (now_ns() < start_at) usleep(10000);
  for (uint32_t number = 0; number < count; number++) {
    uint8_t tx[64] = {0}, rx[64] = {0};
    memcpy(tx + 4, &number, sizeof number);
    struct host_message message = new_message(22, tx, sizeof tx, rx, sizeof rx);
    uint64_t start = now_ns();
    ssize_t result = write(device, &message, sizeof message);
    if (result != sizeof message) {
      tally_error(&tally, errno);
      continue;
    }
    tally_latency(&tally, now_ns() - start);
    tally.transfers++;
    for (size_t i = 0; i < sizeof rx; i++) {
      if (rx[i] != (tx[i] ^ 0x5a)) {
        tally.wrong++;
        break;
      }
    }
  }
  tally_print(&tally, 0, report);
  fclose(report);
  return NULL;
}

__attribute__((constructor)) static void start(void) {
  const char* path = getenv("GPUVM_STANDIN_REPORT");
  if (path == NULL) return;
  report = fopen(path, "we");
  pthread_t thread;
  if (report != NULL && pthread_create(&thread, NULL, run, NULL) == 0) pthread_detach(thread);
}
