// Asks the kernel's VFIO itself, so that what gpuvm says of it can be held against it. Prints one line of JSON.
//   vfio-probe GROUP [DEVICE]            opens the group; puts it into a container; opens the device
//   vfio-probe --map KIB GROUP [DEVICE]  also maps so much memory for DMA
//   vfio-probe --map-region GROUP DEVICE  also maps all of the device's first region, and that for DMA, as QEMU does
//   vfio-probe --hold …                  and stays until it is killed
//   vfio-probe --hold-device …           and stays with the device alone: group and container are closed
// Each step is 0, the errno with which it failed, or -1 where an earlier one failed.
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static int result(long value) { return value < 0 ? errno : 0; }

int main(int argc, char **argv) {
  size_t kib = 0;
  int hold = 0, map_region = 0, at = 1;
  for (; at < argc && argv[at][0] == '-'; at++) {
    if (!strcmp(argv[at], "--map")) kib = strtoul(argv[++at], NULL, 10);
    else if (!strcmp(argv[at], "--map-region")) map_region = 1;
    else if (!strcmp(argv[at], "--hold")) hold = 1;
    else if (!strcmp(argv[at], "--hold-device")) hold = 2;
  }
  if (at >= argc) return 64;
  char path[64];
  snprintf(path, sizeof path, "/dev/vfio/%s", argv[at]);
  const char *name = argv[at + 1];
  int set = -1, iommu = -1, map = -1, get = -1, viable = -1, regions = -1, resettable = -1, device = -1, region_map = -1, region_dma = -1;

  int container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
  int container_result = result(container);
  int group = open(path, O_RDWR | O_CLOEXEC);
  int group_result = result(group);
  if (group >= 0) {
    struct vfio_group_status status = {.argsz = sizeof status};
    if (ioctl(group, VFIO_GROUP_GET_STATUS, &status) == 0) viable = !!(status.flags & VFIO_GROUP_FLAGS_VIABLE);
    if (container >= 0) set = result(ioctl(group, VFIO_GROUP_SET_CONTAINER, &container));
    if (set == 0) iommu = result(ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
    if (iommu == 0 && kib > 0) {
      void *memory = mmap(NULL, kib * 1024, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      struct vfio_iommu_type1_dma_map request = {
          .argsz = sizeof request,
          .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
          .vaddr = (unsigned long)memory,
          .iova = 0x10000000,
          .size = kib * 1024,
      };
      map = result(ioctl(container, VFIO_IOMMU_MAP_DMA, &request));
    }
    if (iommu == 0 && name) {
      device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name);
      get = result(device);
      struct vfio_device_info info = {.argsz = sizeof info};
      if (get == 0 && ioctl(device, VFIO_DEVICE_GET_INFO, &info) == 0) {
        regions = info.num_regions;
        resettable = !!(info.flags & VFIO_DEVICE_FLAGS_RESET);
      }
      struct vfio_region_info region = {.argsz = sizeof region};
      if (map_region && get == 0 && ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &region) == 0) {
        void *memory = mmap(NULL, region.size, PROT_READ | PROT_WRITE, MAP_SHARED, device, (off_t)region.offset);
        region_map = memory == MAP_FAILED ? errno : 0;
        struct vfio_iommu_type1_dma_map request = {
            .argsz = sizeof request,
            .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
            .vaddr = (unsigned long)memory,
            .iova = 0x200000000,
            .size = region.size,
        };
        if (region_map == 0) region_dma = result(ioctl(container, VFIO_IOMMU_MAP_DMA, &request));
      }
    }
  }
  if (hold == 2) {
    close(group);
    close(container);
  }
  printf("{\"container\":%d,\"group\":%d,\"viable\":%d,\"setContainer\":%d,\"setIommu\":%d,\"mapDma\":%d,"
         "\"getDevice\":%d,\"regions\":%d,\"resettable\":%d,\"mapRegion\":%d,\"regionDma\":%d}\n",
         container_result, group_result, viable, set, iommu, map, get, regions, resettable, region_map, region_dma);
  fflush(stdout);
  if (hold) pause();
  return 0;
}
