// gpuvm-exec: starts a program whose opens and writes of the BPMP host device are answered by gpuvm.
//
//   gpuvm-exec --socket FD [--old-kernel] -- PROGRAM [ARGUMENT...]
//
// FD is one end of a Unix socket pair. The listener of the filter goes out over it, with one byte that says whether
// the kernel keeps signals off a call that is being answered ('k') or not ('s'); one byte comes back when gpuvm
// serves. Only then is PROGRAM executed, so that it never runs unanswered. A failure is one line on stderr and one
// of the statuses below, none of which QEMU uses.
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "filter.h"

enum status {
  STATUS_USAGE = 64,
  STATUS_DESCRIPTOR_LIMIT = 121,
  STATUS_NO_NEW_PRIVILEGES = 122,
  STATUS_FILTER = 123,
  STATUS_LISTENER_IN_USE = 124,
  STATUS_HAND_OVER = 125,
  STATUS_CANNOT_EXECUTE = 126,
  STATUS_NOT_FOUND = 127,
};

// What the soft limit is raised to where it is too low; the hard limit is the VMM's own affair.
#define DESCRIPTOR_LIMIT 4096

static int fail(enum status status, const char* what) {
  fprintf(stderr, "gpuvm-exec: %s: %s\n", what, strerror(errno));
  return status;
}

static int usage(void) {
  fputs("usage: gpuvm-exec --socket FD [--old-kernel] -- PROGRAM [ARGUMENT...]\n", stderr);
  return STATUS_USAGE;
}

// A descriptor can only be put at the stand-in's number below the soft limit.
static int raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
  if (limit.rlim_cur > GPUVM_STAND_IN_FD) return 0;
  rlim_t wanted = DESCRIPTOR_LIMIT;
  if (limit.rlim_max <= GPUVM_STAND_IN_FD) limit.rlim_max = wanted;
  limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
  return setrlimit(RLIMIT_NOFILE, &limit);
}

static int send_listener(int socket, int listener, bool wait_killable) {
  char mode = wait_killable ? 'k' : 's';
  struct iovec body = {.iov_base = &mode, .iov_len = 1};
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control;
  memset(&control, 0, sizeof control);
  struct msghdr message = {
      .msg_iov = &body, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &listener, sizeof listener);
  ssize_t sent;
  do sent = sendmsg(socket, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent == 1 ? 0 : -1;
}

static int await_acknowledgement(int socket) {
  char byte;
  ssize_t count;
  do count = read(socket, &byte, 1);
  while (count < 0 && errno == EINTR);
  if (count == 0) errno = ECONNRESET;
  return count == 1 ? 0 : -1;
}

int main(int argc, char** argv) {
  static const struct option options[] = {
      {"socket", required_argument, NULL, 's'}, {"old-kernel", no_argument, NULL, 'o'}, {NULL, 0, NULL, 0}};
  int socket = -1;
  bool wait_killable = true;
  // "+": the first word that is no option is the program, whose own options are not ours.
  for (int option; (option = getopt_long(argc, argv, "+", options, NULL)) != -1;) {
    if (option == 's') {
      char* end;
      errno = 0;
      long number = strtol(optarg, &end, 10);
      if (errno != 0 || *end != '\0' || end == optarg || number < 0 || number > 1 << 20) return usage();
      socket = (int)number;
    } else if (option == 'o') {
      wait_killable = false;
    } else {
      return usage();
    }
  }
  if (socket < 0 || optind >= argc) return usage();

  if (raise_descriptor_limit() != 0) {
    return fail(STATUS_DESCRIPTOR_LIMIT, "the limit of open files (ulimit -n) cannot be raised above 1000");
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail(STATUS_NO_NEW_PRIVILEGES, "no_new_privs");
  int listener = gpuvm_install_filter(&wait_killable);
  if (listener < 0 && errno == EBUSY) {
    return fail(STATUS_LISTENER_IN_USE,
                "a container runtime already uses a seccomp listener here, and the kernel allows one: "
                "start gpuvm outside the container, or turn the runtime's seccomp notification off");
  }
  if (listener < 0) return fail(STATUS_FILTER, "the kernel refuses a seccomp filter with a listener (Linux 5.14 or newer)");
  if (send_listener(socket, listener, wait_killable) != 0) return fail(STATUS_HAND_OVER, "handing the listener to gpuvm");
  // With a copy of the listener left here, the VMM's calls would hang rather than fail once gpuvm is gone.
  close(listener);
  if (await_acknowledgement(socket) != 0) return fail(STATUS_HAND_OVER, "gpuvm ended before it served");
  close(socket);
  execvp(argv[optind], &argv[optind]);
  return fail(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_EXECUTE, argv[optind]);
}
