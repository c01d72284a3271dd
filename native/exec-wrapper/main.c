// gpuvm-exec: starts a VMM as gpuvm wants it to run.
//
//   gpuvm-exec [--socket FD [--old-kernel]] [--hide DEVICE] [--user UID --group GID] [--out-of-reach DEVICE]
//              [--lift-memory-lock] [--die-with PID] -- PROGRAM [ARGUMENT...]
//
// --socket: PROGRAM's opens and writes of the BPMP host device are answered by gpuvm. FD is one end of a Unix socket
// pair. The listener of the filter goes out over it, with one byte that says whether the kernel keeps signals off a call
// that is being answered ('k') or not ('s'); one byte comes back when gpuvm serves. Only then is PROGRAM executed, so
// that it never runs unanswered.
// --hide: the device cannot be opened by its path. With --out-of-reach as well it must not be openable by the account
// that PROGRAM runs as, whatever the kernel let us hide.
// With any of the others PROGRAM never gets privileges that it was not started with (no_new_privs). A failure is one line
// on stderr and one of the statuses below, none of which QEMU uses.
//
// --die-with: PROGRAM is killed when the thread that started us ends.
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

#include "confine.h"
#include "filter.h"

enum status {
  STATUS_USAGE = 64,
  STATUS_ACCOUNT = 118,
  STATUS_DIE_WITH = 119,
  STATUS_WITHIN_REACH = 120,
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
  fputs("usage: gpuvm-exec [--socket FD [--old-kernel]] [--hide DEVICE] [--user UID --group GID] [--out-of-reach DEVICE]\n"
        "                  [--lift-memory-lock] [--die-with PID] -- PROGRAM [ARGUMENT...]\n",
        stderr);
  return STATUS_USAGE;
}

// A number from 0 to `most`; -1 where the text is none.
static long number(const char* text, long most) {
  char* end;
  errno = 0;
  long value = strtol(text, &end, 10);
  return errno == 0 && end != text && *end == '\0' && value <= most ? value : -1;
}

struct wanted {
  long socket;
  bool wait_killable;
  const char* hide;
  const char* out_of_reach;
  long user;
  long group;
  bool lift_memory_lock;
  long die_with;
};

// False where the command line is wrong.
static bool parse(int argc, char** argv, struct wanted* wanted) {
  static const struct option options[] = {{"socket", required_argument, NULL, 's'},
                                          {"old-kernel", no_argument, NULL, 'o'},
                                          {"hide", required_argument, NULL, 'h'},
                                          {"out-of-reach", required_argument, NULL, 'r'},
                                          {"user", required_argument, NULL, 'u'},
                                          {"group", required_argument, NULL, 'g'},
                                          {"lift-memory-lock", no_argument, NULL, 'l'},
                                          {"die-with", required_argument, NULL, 'd'},
                                          {NULL, 0, NULL, 0}};
  *wanted = (struct wanted){.socket = -1, .wait_killable = true, .user = -1, .group = -1, .die_with = -1};
  // "+": the first word that is no option is the program, whose own options are not ours.
  for (int option; (option = getopt_long(argc, argv, "+", options, NULL)) != -1;) {
    long* value = NULL;
    long most = 0xfffffffeL;
    if (option == 's') value = &wanted->socket, most = 1 << 20;
    else if (option == 'u') value = &wanted->user;
    else if (option == 'g') value = &wanted->group;
    else if (option == 'd') value = &wanted->die_with;
    else if (option == 'o') wanted->wait_killable = false;
    else if (option == 'h') wanted->hide = optarg;
    else if (option == 'r') wanted->out_of_reach = optarg;
    else if (option == 'l') wanted->lift_memory_lock = true;
    else return false;
    if (value != NULL && (*value = number(optarg, most)) < 0) return false;
  }
  bool any = wanted->socket >= 0 || wanted->hide || wanted->out_of_reach || wanted->user >= 0 ||
             wanted->lift_memory_lock || wanted->die_with >= 0;
  return any && optind < argc && (wanted->user < 0) == (wanted->group < 0);
}

// Hiding comes first, as it needs rights that the account has not; the account before what its change would undo.
static int confine(const struct wanted* wanted) {
  if (wanted->lift_memory_lock && gpuvm_lift_memory_lock() != 0) return fail(STATUS_ACCOUNT, "the limit of locked memory");
  // A kernel that lets us hide nothing is not the end: what counts is asked below.
  if (wanted->hide != NULL) (void)gpuvm_hide_device(wanted->hide);
  if (wanted->user >= 0 && gpuvm_become((uid_t)wanted->user, (gid_t)wanted->group) != 0) {
    return fail(STATUS_ACCOUNT, "changing to the account of qemu.user");
  }
  if (wanted->out_of_reach != NULL && gpuvm_can_open(wanted->out_of_reach)) {
    fprintf(stderr,
            "gpuvm-exec: QEMU's account can open %s past gpuvm: give the node to root alone "
            "(chown root:root %s; chmod 0600 %s)\n",
            wanted->out_of_reach, wanted->out_of_reach, wanted->out_of_reach);
    return STATUS_WITHIN_REACH;
  }
  // Without any of these PROGRAM is whoever we are, and may use setuid helpers as ever.
  bool confined = wanted->socket >= 0 || wanted->hide != NULL || wanted->user >= 0;
  if (confined && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail(STATUS_NO_NEW_PRIVILEGES, "no_new_privs");
  // A change of account would have undone it.
  if (wanted->die_with >= 0 && gpuvm_die_with((pid_t)wanted->die_with) != 0) return fail(STATUS_DIE_WITH, "gpuvm ended");
  return 0;
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

// Has gpuvm answer the program's use of the device from here on.
static int interpose(int socket, bool wait_killable) {
  if (raise_descriptor_limit() != 0) {
    return fail(STATUS_DESCRIPTOR_LIMIT, "the limit of open files (ulimit -n) cannot be raised above 1000");
  }
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
  return 0;
}

int main(int argc, char** argv) {
  struct wanted wanted;
  if (!parse(argc, argv, &wanted)) return usage();
  int status = confine(&wanted);
  if (status == 0 && wanted.socket >= 0) status = interpose((int)wanted.socket, wanted.wait_killable);
  if (status != 0) return status;
  execvp(argv[optind], &argv[optind]);
  return fail(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_EXECUTE, argv[optind]);
}
