// gpuvm-baseline: the least that a supervisor can do, as the measure for the bridge.
//
//   gpuvm-baseline WRAPPER PROGRAM [ARGUMENT...]
//
// Starts PROGRAM behind the exec wrapper and serves it until it is gone: copies message and payload once, looks the
// MRQ up in a bitmap, answers the payload's bytes. The system calls of a transfer are those of the bridge.
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host-message.h"

// Linux 6.6; the headers of Debian 12 are older.
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

static int listener;
static int memory = -1;
static int stand_in;
static uint8_t allowed[64];

static int receive_listener(int socket) {
  char mode;
  struct iovec body = {&mode, 1};
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control;
  struct msghdr message = {
      .msg_iov = &body, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1 || CMSG_FIRSTHDR(&message) == NULL) return -1;
  int fd;
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  return fd;
}

static bool is_alive(uint64_t id) { return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0; }

static void respond(uint64_t id, int64_t value, int error, uint32_t flags) {
  struct seccomp_notif_resp response = {.id = id, .val = value, .error = -error, .flags = flags};
  ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

static void answer_open(const struct seccomp_notif* call) {
  static const char device[] = "/dev/bpmp-host";
  char path[sizeof device] = {0};
  uint64_t at = call->data.args[call->data.nr == SYS_openat ? 1 : 0];
  if (memory < 0) {
    char name[64];
    snprintf(name, sizeof name, "/proc/%u/mem", call->pid);
    memory = open(name, O_RDWR | O_CLOEXEC);
  }
  if (pread(memory, path, sizeof path, (off_t)at) != sizeof path || memcmp(path, device, sizeof device) != 0) {
    respond(call->id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
    return;
  }
  struct seccomp_notif_addfd request = {.id = call->id,
                                        .flags = SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND,
                                        .srcfd = (uint32_t)stand_in,
                                        .newfd = 1000,
                                        .newfd_flags = O_CLOEXEC};
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &request) < 0) respond(call->id, 0, EIO, 0);
}

static void answer_write(const struct seccomp_notif* call) {
  static uint8_t tx[HOST_PAYLOAD], rx[HOST_PAYLOAD];
  struct host_message message;
  const off_t at = (off_t)call->data.args[1];
  if (pread(memory, &message, sizeof message, at) != sizeof message) return respond(call->id, 0, EFAULT, 0);
  if (message.tx_size > HOST_PAYLOAD || message.rx_size > HOST_PAYLOAD) return respond(call->id, 0, EINVAL, 0);
  if (pread(memory, tx, message.tx_size, (off_t)message.tx_data) != (ssize_t)message.tx_size) {
    return respond(call->id, 0, EFAULT, 0);
  }
  if (!is_alive(call->id)) return;

  struct {
    uint64_t size;
    int32_t ret;
  } tail = {0, -1};
  if (message.mrq < 512 && (allowed[message.mrq / 8] & 1 << message.mrq % 8) != 0) {
    tail.size = message.rx_size < message.tx_size ? message.rx_size : message.tx_size;
    tail.ret = 0;
    memcpy(rx, tx, tail.size);
  }

  if (!is_alive(call->id)) return;
  bool written = tail.size == 0 || pwrite(memory, rx, tail.size, (off_t)message.rx_data) == (ssize_t)tail.size;
  written = written && pwrite(memory, &tail, 12, at + (off_t)offsetof(struct host_message, rx_size)) == 12;
  respond(call->id, sizeof message, written ? 0 : EFAULT, 0);
}

// Until `child` has ended; its status. Before Linux 6.11 a child that nobody has waited for keeps its listener.
static int serve(pid_t child) {
  int status = 0;
  for (;;) {
    struct pollfd wanted[2] = {{listener, POLLIN, 0}, {-1, POLLIN, 0}};
    int ready = poll(wanted, 2, 100);
    if (ready < 0 && errno != EINTR) return -1;
    if (ready <= 0 && waitpid(child, &status, WNOHANG) == child) return status;
    if (ready <= 0) continue;
    if ((wanted[0].revents & POLLIN) == 0) return waitpid(child, &status, 0) == child ? status : -1;
    union {
      struct seccomp_notif call;
      uint8_t room[256];
    } received;
    memset(&received, 0, sizeof received);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &received.call) != 0) continue;
    if (received.call.data.nr == SYS_write) {
      answer_write(&received.call);
    } else {
      answer_open(&received.call);
    }
  }
}

int main(int argc, char** argv) {
  int ends[2];
  if (argc < 3 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 64;
  pid_t child = fork();
  if (child == 0) {
    char socket[16];
    snprintf(socket, sizeof socket, "%d", ends[1]);
    close(ends[0]);
    char** wrapped = calloc((size_t)argc + 4, sizeof *wrapped);
    wrapped[0] = argv[1];
    wrapped[1] = "--socket";
    wrapped[2] = socket;
    wrapped[3] = "--";
    for (int i = 2; i < argc; i++) wrapped[i + 2] = argv[i];
    execv(argv[1], wrapped);
    _exit(127);
  }
  close(ends[1]);
  listener = receive_listener(ends[0]);
  stand_in = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (listener < 0 || stand_in < 0) return 71;
  ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
  memset(allowed, 0xff, sizeof allowed);
  if (write(ends[0], "g", 1) != 1) return 71;
  close(ends[0]);
  int status = serve(child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 71;
}
