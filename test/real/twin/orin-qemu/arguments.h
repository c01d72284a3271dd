// QEMU's command line: what of it is ours, and what goes on to the stock QEMU.
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_DEVICES = 32 };

struct device {
  char host[128];
  // Where the guest is to see its first region; 0 for nowhere.
  uint64_t base;
  // Of its first region, in bytes.
  uint64_t size;
  int fd;
};

struct arguments {
  // Without our devices and the memory's size; room for what is added, NULL at the end.
  char** words;
  size_t words_count;
  struct device devices[MAX_DEVICES];
  size_t devices_count;
  uint64_t memory_bytes;
  unsigned cpus;
  bool asks_help;
};

struct arguments arguments_parse(int argc, char** argv);

// Two words more, the second made as by printf.
void arguments_add(struct arguments* arguments, const char* option, const char* format, ...)
    __attribute__((format(printf, 3, 4)));

// Ends with a line on stderr; errno is told where it is not 0.
void fail(const char* what) __attribute__((noreturn));

#endif
