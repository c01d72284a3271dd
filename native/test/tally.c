#include "tally.h"

#include <stdlib.h>
#include <string.h>

int tally_init(struct tally* tally, uint64_t capacity) {
  memset(tally, 0, sizeof *tally);
  tally->capacity = capacity;
  tally->latencies = calloc(capacity ? capacity : 1, sizeof *tally->latencies);
  return tally->latencies == NULL ? -1 : 0;
}

void tally_latency(struct tally* tally, uint64_t ns) {
  if (tally->measured < tally->capacity) tally->latencies[tally->measured++] = ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
}

void tally_error(struct tally* tally, int error) { tally->errors[error >= 0 && error < TALLY_ERRNOS ? error : 0]++; }

void tally_add(struct tally* to, const struct tally* from) {
  to->transfers += from->transfers;
  to->denied += from->denied;
  to->wrong += from->wrong;
  to->interrupted += from->interrupted;
  for (int i = 0; i < TALLY_ERRNOS; i++) to->errors[i] += from->errors[i];
  for (uint64_t i = 0; i < from->measured; i++) tally_latency(to, from->latencies[i]);
}

static int ascending(const void* left, const void* right) {
  uint32_t a = *(const uint32_t*)left, b = *(const uint32_t*)right;
  return (a > b) - (a < b);
}

static uint32_t quantile(const struct tally* tally, double q) {
  if (tally->measured == 0) return 0;
  uint64_t index = (uint64_t)(q * (double)tally->measured);
  return tally->latencies[index < tally->measured ? index : tally->measured - 1];
}

void tally_print(struct tally* tally, uint64_t signals, FILE* to) {
  qsort(tally->latencies, tally->measured, sizeof *tally->latencies, ascending);
  fprintf(to, "{\"transfers\":%lu,\"denied\":%lu,\"wrong\":%lu,\"interrupted\":%lu,\"errors\":{", tally->transfers,
          tally->denied, tally->wrong, tally->interrupted);
  const char* separator = "";
  for (int i = 0; i < TALLY_ERRNOS; i++) {
    if (tally->errors[i] == 0) continue;
    const char* name = strerrorname_np(i);
    fprintf(to, "%s\"%s\":%lu", separator, name ? name : "?", tally->errors[i]);
    separator = ",";
  }
  fprintf(to, "},\"signals\":%lu,\"p50\":%u,\"p99\":%u,\"p999\":%u,\"max\":%u}\n", signals, quantile(tally, 0.5),
          quantile(tally, 0.99), quantile(tally, 0.999), quantile(tally, 1));
  fflush(to);
}
