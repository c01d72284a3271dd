#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int write_file(const char* path, const char* text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t length = (ssize_t)strlen(text);
  ssize_t written = write(fd, text, (size_t)length);
  close(fd);
  return written == length ? 0 : -1;
}

// A user namespace in which everybody is who he is: it gives the right to mount, which is gone with the next exec.
static int unshare_as_user(void) {
  uid_t user = geteuid();
  gid_t group = getegid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return -1;
  char map[64];
  snprintf(map, sizeof map, "%u %u 1", user, user);
  if (write_file("/proc/self/uid_map", map) != 0) return -1;
  // The kernel takes a group's map from an unprivileged process only after this.
  if (write_file("/proc/self/setgroups", "deny") != 0) return -1;
  snprintf(map, sizeof map, "%u %u 1", group, group);
  return write_file("/proc/self/gid_map", map);
}

int gpuvm_hide_device(const char* path) {
  struct statvfs old;
  if (statvfs(path, &old) != 0) return -1;
  if (unshare(CLONE_NEWNS) != 0 && (errno != EPERM || unshare_as_user() != 0)) return -1;
  // What the host unmounts later is to go here too, and nothing that is mounted here is to show there.
  if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0) return -1;
  if (mount(path, path, NULL, MS_BIND, NULL) != 0) return -1;
  // Restrictions that the mount has already must be said again: in a user namespace none may be lifted.
  unsigned long flags = MS_BIND | MS_REMOUNT | MS_NODEV | MS_NOEXEC | MS_NOSUID;
  if (old.f_flag & ST_RDONLY) flags |= MS_RDONLY;
  return mount(NULL, path, NULL, flags, NULL);
}

int gpuvm_become(uid_t user, gid_t group) {
  if (setgroups(0, NULL) != 0) return -1;
  if (setresgid(group, group, group) != 0) return -1;
  if (setresuid(user, user, user) != 0) return -1;
  // Never by the kernel, but the one thing that must not go wrong unnoticed.
  if (user != 0 && setuid(0) == 0) {
    errno = EPERM;
    return -1;
  }
  return 0;
}

bool gpuvm_can_open(const char* path) {
  int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (fd >= 0) {
    close(fd);
    return true;
  }
  // Any other answer, that it is busy for one, comes from the device: the way to it was open.
  return errno != EACCES && errno != EPERM && errno != ENOENT && errno != ENOTDIR;
}

int gpuvm_die_with(pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return -1;
  // It may have ended before it was asked for.
  if (getppid() == parent) return 0;
  errno = ESRCH;
  return -1;
}

int gpuvm_lift_memory_lock(void) {
  struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_MEMLOCK, &limit) == 0) return 0;
  // Root without CAP_SYS_RESOURCE, in a container say: as far as it goes.
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return -1;
  limit.rlim_cur = limit.rlim_max;
  return setrlimit(RLIMIT_MEMLOCK, &limit);
}
