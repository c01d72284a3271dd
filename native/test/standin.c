// gpuvm-standin: opens the BPMP host device and uses it as QEMU's device does, for tests and for the bench.
//
//   gpuvm-standin [OPTION...]                 transfers; prints their tally as JSON
//   gpuvm-standin [OPTION...] --request HEX   one request; prints its reply as JSON
//   gpuvm-standin [OPTION...] --hostile SEED  messages and calls that no driver makes
//
// Every request carries its thread's index and its own number in the first two words of its payload, and the test's
// handler is expected to answer with the same bytes, each xor 0x5a, unless --no-verify is given. With --payload HEX all
// requests are that one. The first --warm-up N transfers of each thread are not measured.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host-message.h"
#include "hostile.h"
#include "tally.h"

static struct {
  const char* device;
  const char* request;
  const char* payload;
  uint64_t warm_up;
  uint64_t count;
  uint64_t hostile_seed;
  unsigned threads;
  unsigned mrq;
  unsigned tx_size;
  unsigned rx_size;
  unsigned signal_hz;
  unsigned pause_us;
  bool hostile, no_restart, race, fork, drop, no_verify, stop_on_error;
} options = {.device = "/dev/bpmp-host", .count = 1000, .threads = 1, .mrq = 22, .tx_size = 64, .rx_size = 64};

static int device;
static volatile bool done;
static volatile uint64_t signals;
// The payload that --race has all threads share with the thread that rewrites it.
static uint8_t shared[HOST_PAYLOAD];

enum { RACE_ALLOWED = 7, RACE_FORBIDDEN = 99 };

struct worker {
  pthread_t thread;
  unsigned index;
  bool ended;
  struct tally tally;
};

static void on_signal(int number) {
  (void)number;
  signals++;
}

// Its number of bytes, or -1 where the text is not that.
static int parse_hex(const char* text, uint8_t* bytes) {
  size_t size = strlen(text) / 2;
  if (strlen(text) % 2 != 0 || size > HOST_PAYLOAD) return -1;
  for (size_t i = 0; i < size; i++) {
    unsigned byte;
    if (sscanf(text + 2 * i, "%2x", &byte) != 1) return -1;
    bytes[i] = (uint8_t)byte;
  }
  return (int)size;
}

static bool is_right(const struct host_message* message, const uint8_t* tx, const uint8_t* rx) {
  if (options.no_verify || message->rx_ret < 0) return true;
  uint32_t word;
  if (options.race) {
    // The handler answers the word that it decided on; it must have been the allowed one.
    memcpy(&word, rx, sizeof word);
    return word == RACE_ALLOWED;
  }
  if (message->rx_size != (options.rx_size < options.tx_size ? options.rx_size : options.tx_size)) return false;
  for (uint64_t i = 0; i < message->rx_size; i++) {
    if (rx[i] != (tx[i] ^ 0x5a)) return false;
  }
  return true;
}

static void* transfer_all(void* argument) {
  struct worker* self = argument;
  uint8_t own[HOST_PAYLOAD] = {0}, rx[HOST_PAYLOAD] = {0};
  uint8_t* tx = options.race ? shared : own;
  if (options.payload != NULL) parse_hex(options.payload, own);
  for (uint32_t number = 0; number < options.count; number++) {
    if (!options.race && options.payload == NULL) {
      memcpy(tx, &self->index, 4);
      memcpy(tx + 4, &number, 4);
    }
    struct host_message message;
    ssize_t result;
    uint64_t start = now_ns();
    message = new_message(options.mrq, tx, options.tx_size, rx, options.rx_size);
    // After EINTR the same message from the same place, as a program does that was told to try again.
    while ((result = write(device, &message, sizeof message)) < 0 && errno == EINTR) self->tally.interrupted++;
    uint64_t end = now_ns();
    if (result == sizeof message) {
      self->tally.transfers++;
      if (message.rx_ret < 0) self->tally.denied++;
      if (!is_right(&message, tx, rx)) self->tally.wrong++;
      if (number >= options.warm_up) tally_latency(&self->tally, end - start);
    } else {
      tally_error(&self->tally, errno);
      if (options.stop_on_error) break;
    }
    if (options.pause_us > 0) usleep(options.pause_us);
  }
  __atomic_store_n(&self->ended, true, __ATOMIC_RELEASE);
  return NULL;
}

static void* rewrite_shared(void* argument) {
  (void)argument;
  for (uint32_t turn = 0; !done; turn++) {
    *(volatile uint32_t*)shared = turn % 2 ? RACE_ALLOWED : RACE_FORBIDDEN;
  }
  return NULL;
}

// Interrupts every worker that is still at it, so often a second.
static void storm(struct worker* workers) {
  struct timespec interval = {.tv_nsec = 1000000000L / options.signal_hz};
  for (bool going = true; going;) {
    going = false;
    for (unsigned i = 0; i < options.threads; i++) {
      if (__atomic_load_n(&workers[i].ended, __ATOMIC_ACQUIRE)) continue;
      going = true;
      pthread_kill(workers[i].thread, SIGUSR1);
    }
    nanosleep(&interval, NULL);
  }
}

static int run_transfers(void) {
  struct worker* workers = calloc(options.threads, sizeof *workers);
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = options.no_restart ? 0 : SA_RESTART};
  sigaction(SIGUSR1, &action, NULL);
  pthread_t racer;
  if (options.race) pthread_create(&racer, NULL, rewrite_shared, NULL);
  struct tally total;
  if (workers == NULL || tally_init(&total, options.count * options.threads) != 0) return 1;
  for (unsigned i = 0; i < options.threads; i++) {
    workers[i].index = i;
    if (tally_init(&workers[i].tally, options.count) != 0) return 1;
    pthread_create(&workers[i].thread, NULL, transfer_all, &workers[i]);
  }
  if (options.signal_hz > 0) storm(workers);
  for (unsigned i = 0; i < options.threads; i++) {
    pthread_join(workers[i].thread, NULL);
    tally_add(&total, &workers[i].tally);
  }
  done = true;
  if (options.race) pthread_join(racer, NULL);
  tally_print(&total, signals, stdout);
  return 0;
}

static int run_request(void) {
  uint8_t tx[HOST_PAYLOAD], rx[HOST_PAYLOAD] = {0};
  int size = parse_hex(options.request, tx);
  if (size < 0) return 64;
  struct host_message message = new_message(options.mrq, tx, (uint64_t)size, rx, options.rx_size);
  ssize_t result = write(device, &message, sizeof message);
  int error = result < 0 ? errno : 0;
  printf("{\"result\":%zd,\"errno\":%d,\"ret\":%d,\"rx\":\"", result, error, message.rx_ret);
  for (uint64_t i = 0; result > 0 && i < message.rx_size; i++) printf("%02x", rx[i]);
  puts("\"}");
  return 0;
}

// What QEMU does under -runas: another user, and memory that no other process may open any more.
static int drop_privileges(void) {
  if (setgid(65534) != 0 || setuid(65534) != 0) return -1;
  return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static int parse(int argc, char** argv) {
  static const struct option names[] = {
      {"device", 1, NULL, 'D'},     {"count", 1, NULL, 'n'},    {"threads", 1, NULL, 't'},   {"mrq", 1, NULL, 'm'},
      {"tx-size", 1, NULL, 'z'},    {"rx-size", 1, NULL, 'y'},  {"signal-hz", 1, NULL, 's'}, {"no-restart", 0, NULL, 'R'},
      {"race", 0, NULL, 'r'},       {"fork", 0, NULL, 'f'},     {"drop", 0, NULL, 'd'},      {"hostile", 1, NULL, 'H'},
      {"request", 1, NULL, 'q'},    {"no-verify", 0, NULL, 'v'}, {"pause-us", 1, NULL, 'p'}, {"stop-on-error", 0, NULL, 'e'},
      {"payload", 1, NULL, 'P'},    {"warm-up", 1, NULL, 'w'},
      {NULL, 0, NULL, 0}};
  for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    uint64_t number = optarg ? strtoull(optarg, NULL, 0) : 0;
    switch (option) {
      case 'D': options.device = optarg; break;
      case 'n': options.count = number; break;
      case 't': options.threads = (unsigned)number; break;
      case 'm': options.mrq = (unsigned)number; break;
      case 'z': options.tx_size = (unsigned)number; break;
      case 'y': options.rx_size = (unsigned)number; break;
      case 's': options.signal_hz = (unsigned)number; break;
      case 'p': options.pause_us = (unsigned)number; break;
      case 'H': options.hostile = true; options.hostile_seed = number; break;
      case 'q': options.request = optarg; break;
      case 'w': options.warm_up = number; break;
      case 'P': options.payload = optarg; break;
      case 'R': options.no_restart = true; break;
      case 'r': options.race = true; break;
      case 'f': options.fork = true; break;
      case 'd': options.drop = true; break;
      case 'v': options.no_verify = true; break;
      case 'e': options.stop_on_error = true; break;
      default: return -1;
    }
  }
  if (options.payload != NULL) {
    uint8_t bytes[HOST_PAYLOAD];
    int size = parse_hex(options.payload, bytes);
    if (size < 0) return -1;
    options.tx_size = (unsigned)size;
    options.no_verify = true;
  }
  if (options.threads == 0 || options.tx_size > HOST_PAYLOAD || options.rx_size > HOST_PAYLOAD) return -1;
  return optind == argc ? 0 : -1;
}

int main(int argc, char** argv) {
  if (parse(argc, argv) != 0) {
    fputs("gpuvm-standin: see the head of native/test/standin.c\n", stderr);
    return 64;
  }
  device = open(options.device, O_RDWR);
  if (device < 0) {
    printf("{\"open\":\"%s\"}\n", strerrorname_np(errno));
    return 1;
  }
  if (options.drop && drop_privileges() != 0) return 71;
  // The child does the work, with memory and a process of its own.
  if (options.fork) {
    pid_t child = fork();
    int status = 0;
    if (child > 0) return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 71;
  }
  if (options.hostile) return run_hostile(device, options.device, options.count, options.hostile_seed);
  return options.request ? run_request() : run_transfers();
}
