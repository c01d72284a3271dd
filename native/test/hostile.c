#include "hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "host-message.h"
#include "tally.h"

static uint64_t state;

// xorshift64*: the same messages for the same seed.
static uint64_t next(void) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 2685821657736338717u;
}

static uint64_t below(uint64_t bound) { return next() % bound; }

// Two pages with nothing after them, filled with bytes of their own.
static uint8_t* edge;
static size_t page;

static uint64_t any_pointer(void) {
  switch (below(8)) {
    case 0: return 0;
    case 1: return next();
    case 2: return UINT64_MAX - below(600);
    case 3: return 0xffff800000000000u + below(1 << 20);
    case 4: return (uintptr_t)edge + 2 * page - below(520);  // runs off the end
    case 5: return (uintptr_t)edge + page - below(64);       // across a page
    default: return (uintptr_t)edge + below(page);
  }
}

static uint64_t any_size(void) {
  switch (below(10)) {
    case 0: return UINT64_MAX - below(3);
    case 1: return 0xffffffffu;
    case 2: return 1ull << below(64);
    case 3: return 513;
    case 4: return 512;
    case 5: return 0;
    case 6: return next();
    default: return below(513);
  }
}

// Writes to the stand-in by every way that is not a transfer; each must fail.
static ssize_t odd_write(int device, struct host_message* message) {
  struct iovec whole = {message, sizeof *message};
  switch (below(5)) {
    case 0: return write(device, message, below(2) ? 47 : 49);
    case 1: return writev(device, &whole, 1);
    case 2: return pwrite(device, message, sizeof *message, 0);
    case 3: return syscall(SYS_write, device, message, (1ull << 32) + sizeof *message);
    default: {
      int copy = dup(device);
      ssize_t result = write(copy, message, sizeof *message);
      int error = errno;
      close(copy);
      errno = error;
      return result;
    }
  }
}

// Opens whose path cannot be read, or is long, or lies at the very end of what is mapped.
static void odd_open(const char* path, struct tally* tally) {
  char* at = (char*)edge + 2 * page;
  int fd = -1;
  switch (below(4)) {
    case 0: fd = open((const char*)any_pointer(), O_RDWR); break;
    case 1: fd = open(at - 1 - below(600), O_RDWR); break;
    case 2:
      at -= strlen(path) + 1;
      memcpy(at, path, strlen(path) + 1);
      fd = open(at, O_RDWR);
      if (fd < 0) tally->wrong++;
      fd = -1;
      break;
    default: fd = open("/dev/null", O_RDWR); break;
  }
  if (fd >= 0 && fd != 1000) close(fd);
}

int run_hostile(int device, const char* path, uint64_t count, uint64_t seed) {
  page = (size_t)sysconf(_SC_PAGESIZE);
  state = seed * 2 + 1;
  edge = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (edge == MAP_FAILED || munmap(edge + 2 * page, page) != 0) return 71;
  struct tally tally;
  if (tally_init(&tally, 0) != 0) return 71;
  for (uint64_t i = 0; i < count; i++) {
    for (size_t at = below(64); at < 2 * page; at += 64) edge[at] = (uint8_t)next();
    struct host_message message = {.mrq = (uint32_t)(below(2) ? below(128) : next()),
                                   .tx_data = any_pointer(),
                                   .tx_size = any_size(),
                                   .rx_data = any_pointer(),
                                   .rx_size = any_size()};
    // A message that is itself hard to read.
    void* where = &message;
    if (below(8) == 0) {
      where = (void*)any_pointer();
    } else if (below(8) == 0) {
      where = edge + page - below(48);
      memcpy(where, &message, sizeof message);
    }
    ssize_t result;
    switch (below(16)) {
      case 0: odd_open(path, &tally); continue;
      case 1:
        result = odd_write(device, &message);
        if (result >= 0) tally.wrong++;
        break;
      default: result = write(device, where, sizeof message);
    }
    if (result == sizeof message) {
      tally.transfers++;
    } else if (result < 0) {
      tally_error(&tally, errno);
    } else {
      tally.wrong++;
    }
  }
  tally_print(&tally, 0, stdout);
  return 0;
}
