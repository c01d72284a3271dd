#define _GNU_SOURCE
#include "arguments.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char driver[] = "vfio-platform";

// What layout_add and the last NULL take at the most.
enum { MORE_WORDS = 8 * MAX_DEVICES + 16 };

void fail(const char* what) {
  if (errno != 0)
    fprintf(stderr, "qemu-system-aarch64-orin: %s: %s\n", what, strerror(errno));
  else
    fprintf(stderr, "qemu-system-aarch64-orin: %s\n", what);
  exit(1);
}

void arguments_add(struct arguments* arguments, const char* option, const char* format, ...) {
  char* value = NULL;
  va_list values;
  va_start(values, format);
  if (vasprintf(&value, format, values) < 0) fail("no memory");
  va_end(values);
  arguments->words[arguments->words_count++] = (char*)option;
  arguments->words[arguments->words_count++] = value;
}

static uint64_t parse_size(const char* text) {
  char* end;
  if (strncmp(text, "size=", 5) == 0) text += 5;
  uint64_t value = strtoull(text, &end, 10);
  switch (*end) {
    case 'T': return value << 40;
    case 'G': return value << 30;
    case '\0':
    case 'M': return value << 20;
    case 'K': return value << 10;
    default: errno = 0; fail("-m: only a size is understood");
  }
}

// `vfio-platform,host=NAME[,mmio-base=ADDRESS]`
static void parse_device(struct arguments* arguments, const char* text) {
  if (strcmp(text, ",help") == 0) {
    arguments->asks_help = true;
    return;
  }
  if (arguments->devices_count == MAX_DEVICES) fail("too many vfio-platform devices");
  struct device* device = &arguments->devices[arguments->devices_count++];
  char *copy = strdup(text), *rest = copy, *option;
  while ((option = strsep(&rest, ",")) != NULL) {
    if (strncmp(option, "host=", 5) == 0)
      snprintf(device->host, sizeof device->host, "%s", option + 5);
    else if (strncmp(option, "mmio-base=", 10) == 0)
      device->base = strtoull(option + 10, NULL, 0);
    else if (*option != '\0')
      fail(option);
  }
  free(copy);
  if (device->host[0] == '\0') fail("vfio-platform without host");
}

struct arguments arguments_parse(int argc, char** argv) {
  struct arguments arguments = {.memory_bytes = 128ull << 20, .cpus = 1};
  arguments.words = calloc((size_t)argc + MORE_WORDS, sizeof(char*));
  if (arguments.words == NULL) fail("no memory");
  errno = 0;
  int memory = 0;
  for (int i = 0; i < argc; i++) {
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    size_t length = sizeof driver - 1;
    if (strcmp(argv[i], "-device") == 0 && strncmp(value, driver, length) == 0) {
      parse_device(&arguments, value + length);
      i++;
      continue;
    }
    if (strcmp(argv[i], "-m") == 0) memory = i + 1;
    if (strcmp(argv[i], "-smp") == 0) arguments.cpus = (unsigned)strtoul(value, NULL, 10);
    arguments.words[arguments.words_count++] = argv[i];
  }
  if (memory > 0 && memory < argc) arguments.memory_bytes = parse_size(argv[memory]);
  return arguments;
}
