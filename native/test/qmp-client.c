// gpuvm-qmp-client: the least that a QMP client can do, as the measure for gpuvm's own.
//
//   gpuvm-qmp-client SOCKET COUNT WARM_UP
//
// Asks query-status COUNT times, one after the other, on a blocking socket: one write, reads up to the line's end, no
// JSON. Prints {"p50": ns, "p99": ns} over the replies after the first WARM_UP.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char line[65536];

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void fail(const char* what) {
  perror(what);
  exit(1);
}

// Reads up to a line's end. QEMU writes a line at once, and here nobody causes events beside the reply.
static void read_line(int fd) {
  size_t length = 0;
  do {
    ssize_t got = read(fd, line + length, sizeof line - 1 - length);
    if (got <= 0) fail("read");
    length += (size_t)got;
  } while (line[length - 1] != '\n' && length < sizeof line - 1);
  line[length] = 0;
}

static void ask(int fd, const char* command, size_t length) {
  if (write(fd, command, length) != (ssize_t)length) fail("write");
  read_line(fd);
  if (strstr(line, "\"return\"") == NULL) {
    fprintf(stderr, "no return: %s", line);
    exit(1);
  }
}

static int compare(const void* left, const void* right) {
  int64_t a = *(const int64_t*)left, b = *(const int64_t*)right;
  return (a > b) - (a < b);
}

int main(int argc, char** argv) {
  static const char capabilities[] = "{\"execute\":\"qmp_capabilities\"}\n";
  static const char status[] = "{\"execute\":\"query-status\"}\n";
  if (argc != 4) return 64;
  long count = atol(argv[2]), warm_up = atol(argv[3]);
  int64_t* took = calloc((size_t)count, sizeof *took);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", argv[1]);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (took == NULL || fd < 0 || connect(fd, (struct sockaddr*)&address, sizeof address) != 0) fail("connect");
  read_line(fd);
  ask(fd, capabilities, sizeof capabilities - 1);
  for (long i = -warm_up; i < count; i++) {
    int64_t start = now_ns();
    ask(fd, status, sizeof status - 1);
    if (i >= 0) took[i] = now_ns() - start;
  }
  qsort(took, (size_t)count, sizeof *took, compare);
  printf("{\"p50\": %lld, \"p99\": %lld}\n", (long long)took[count / 2], (long long)took[count * 99 / 100]);
  return 0;
}
