// Uses /dev/bpmp-host as no code of gpuvm can: with lengths, pointers and signals that are wrong. Prints one line of JSON: of
// each call what it returned, or the errno as a negative number.
//   host-device-probe write|ioctl            each mistake
//   host-device-probe write|ioctl interrupt  one transfer with a signal after 100 ms, without and with SA_RESTART
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct message {
  uint32_t mrq, reserved;
  uint64_t tx_data, tx_size, rx_data, rx_size;
  int32_t ret;
  uint32_t rx_reserved;
};
_Static_assert(sizeof(struct message) == 48, "the message has 48 bytes");

#define NOWHERE 8

static int device;
static bool by_ioctl;
static const char *separator = "{";
static uint32_t tx[160], rx[160];

static struct message ping(void) {
  tx[0] = 21;
  return (struct message){.tx_data = (uintptr_t)tx, .tx_size = 4, .rx_data = (uintptr_t)rx, .rx_size = 16, .ret = -1};
}

static long call(const void *message, size_t length) {
  long result = by_ioctl ? ioctl(device, _IOWR('b', 1, struct message), message) : write(device, message, length);
  return result < 0 ? -errno : result;
}

static void say(const char *name, long value) {
  printf("%s\"%s\":%ld", separator, name, value);
  separator = ",";
}

static void say_call(const char *name, struct message message) { say(name, call(&message, sizeof message)); }

static void mistakes(void) {
  struct message message = ping();
  say("right", call(&message, sizeof message));
  say("ret", message.ret);
  say("rxSize", (long)message.rx_size);
  say("reply", rx[0]);
  if (by_ioctl) {
    say("another ioctl", ioctl(device, _IOWR('b', 2, struct message), &message) < 0 ? -errno : 0);
    say("an ioctl of another size", ioctl(device, _IOWR('b', 1, uint64_t), &message) < 0 ? -errno : 0);
  } else {
    char bytes[64] = {0};
    say("0 bytes", call(bytes, 0));
    say("47 bytes", call(bytes, 47));
    say("49 bytes", call(bytes, 49));
  }
  message = ping(), message.tx_size = 120, say_call("tx of a frame", message);
  message = ping(), message.tx_size = 121, say_call("tx over a frame", message);
  message = ping(), message.rx_size = 121, say_call("rx over a frame", message);
  message = ping(), message.tx_size = 513, say_call("tx over 512", message);
  message = ping(), message.rx_size = 513, say_call("rx over 512", message);
  message = ping(), message.tx_size = UINT64_MAX, say_call("tx without end", message);
  message = ping(), message.tx_data = NOWHERE, say_call("tx nowhere", message);
  message = ping(), message.rx_data = NOWHERE, say_call("rx nowhere", message);
  void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  message = ping(), message.rx_data = (uintptr_t)page, say_call("rx that cannot be written", message);
  say("message nowhere", call((void *)NOWHERE, sizeof message));
}

static volatile sig_atomic_t signals;
static void on_signal(int number) {
  (void)number;
  signals++;
}

static void interrupted(const char *name, int flags) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
  struct itimerval in = {.it_value = {.tv_usec = 100000}};
  struct timespec begin, end;
  struct message message = ping();
  char of_signals[64], of_time[64];
  signals = 0;
  sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &in, NULL);
  clock_gettime(CLOCK_MONOTONIC, &begin);
  say(name, call(&message, sizeof message));
  clock_gettime(CLOCK_MONOTONIC, &end);
  snprintf(of_signals, sizeof of_signals, "%s: signals", name);
  snprintf(of_time, sizeof of_time, "%s: ms", name);
  say(of_signals, signals);
  say(of_time, (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000);
}

int main(int argc, char **argv) {
  if (argc < 2) return 64;
  by_ioctl = !strcmp(argv[1], "ioctl");
  device = open("/dev/bpmp-host", O_RDWR | O_CLOEXEC);
  if (device < 0) {
    perror("/dev/bpmp-host");
    return 1;
  }
  if (argc > 2) {
    interrupted("without SA_RESTART", 0);
    interrupted("with SA_RESTART", SA_RESTART);
  } else {
    mistakes();
  }
  puts("}");
  return 0;
}
