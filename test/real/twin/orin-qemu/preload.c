// Loaded into the stock QEMU: the path `/vfio-region/FD:SIZE` is that descriptor, which QEMU has inherited. A device of
// VFIO's cannot be opened by a path, and has no size to seek to; it can be mapped as a file can.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

enum { MAX_REGIONS = 32 };

static struct {
  int fd;
  off64_t size;
} regions[MAX_REGIONS];
static unsigned regions_count;

// The descriptor that a path means; -1 where it is a file's.
static int region_at(const char* path, int* fd) {
  unsigned long long size;
  int inherited;
  if (sscanf(path, "/vfio-region/%d:%llu", &inherited, &size) != 2) return -1;
  if (regions_count == MAX_REGIONS) {
    errno = EMFILE;
    *fd = -1;
    return 0;
  }
  // QEMU closes what it opens.
  *fd = fcntl(inherited, F_DUPFD_CLOEXEC, 0);
  if (*fd >= 0) {
    regions[regions_count].fd = *fd;
    regions[regions_count++].size = (off64_t)size;
  }
  return 0;
}

int open64(const char* path, int flags, ...) {
  static int (*real)(const char*, int, ...);
  va_list rest;
  int fd;
  if (region_at(path, &fd) == 0) return fd;
  if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, "open64");
  va_start(rest, flags);
  mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return real(path, flags, mode);
}

// What open becomes where the compiler does not know its flags.
int __open64_2(const char* path, int flags) { return open64(path, flags); }

off64_t lseek64(int fd, off64_t offset, int whence) {
  static off64_t (*real)(int, off64_t, int);
  for (unsigned i = 0; i < regions_count; i++)
    if (regions[i].fd == fd && whence == SEEK_END) return regions[i].size + offset;
  if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, "lseek64");
  return real(fd, offset, whence);
}
