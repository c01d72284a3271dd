// QEMU's virt has all of its memory in one piece from 1 GiB upwards, made of its NUMA nodes' memories one behind the
// other. So a node whose memory is a device's region lies where the nodes before it end; what is between two of them is
// filled with nodes that the guest's tree is to keep its kernel from.
#include "layout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const uint64_t RAM_BASE = 0x40000000;

static int by_base(const void* left, const void* right) {
  const struct device* const* a = left;
  const struct device* const* b = right;
  return (*a)->base < (*b)->base ? -1 : (*a)->base > (*b)->base;
}

static void add_node(struct arguments* arguments, unsigned node) {
  char cpus[32] = "";
  if (node == 0) snprintf(cpus, sizeof cpus, ",cpus=0-%u", arguments->cpus - 1);
  arguments_add(arguments, "-numa", "node,nodeid=%u,memdev=node%u%s", node, node, cpus);
}

static void add_memory(struct arguments* arguments, unsigned node, uint64_t size) {
  arguments_add(arguments, "-object", "memory-backend-ram,id=node%u,size=%llu", node, (unsigned long long)size);
  add_node(arguments, node);
}

static void add_region(struct arguments* arguments, unsigned node, const struct device* device) {
  arguments_add(arguments, "-object", "memory-backend-file,id=node%u,size=%llu,share=on,mem-path=/vfio-region/%d:%llu",
                node, (unsigned long long)device->size, device->fd, (unsigned long long)device->size);
  add_node(arguments, node);
}

void layout_add(struct arguments* arguments) {
  const struct device* sorted[MAX_DEVICES];
  size_t count = 0;
  for (size_t i = 0; i < arguments->devices_count; i++)
    if (arguments->devices[i].base != 0) sorted[count++] = &arguments->devices[i];
  if (count == 0) return;
  qsort(sorted, count, sizeof sorted[0], by_base);

  unsigned node = 0;
  uint64_t end = RAM_BASE + arguments->memory_bytes;
  add_memory(arguments, node++, arguments->memory_bytes);
  for (size_t i = 0; i < count; i++) {
    if (sorted[i]->base < end) {
      fprintf(stderr, "qemu-system-aarch64-orin: %s cannot be at 0x%llx: memory ends at 0x%llx\n", sorted[i]->host,
              (unsigned long long)sorted[i]->base, (unsigned long long)end);
      exit(1);
    }
    if (sorted[i]->base > end) add_memory(arguments, node++, sorted[i]->base - end);
    add_region(arguments, node++, sorted[i]);
    end = sorted[i]->base + sorted[i]->size;
  }
  arguments_add(arguments, "-m", "size=%lluM", (unsigned long long)(end - RAM_BASE) >> 20);
}
