#define _GNU_SOURCE
#include "devices.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static void refuse(const struct device* device, const char* call) {
  char what[256];
  snprintf(what, sizeof what, "vfio-platform %s: %s", device->host, call);
  fail(what);
}

static void open_file(const char* folder, struct device* device) {
  char path[PATH_MAX];
  struct stat file;
  snprintf(path, sizeof path, "%s/%s", folder, device->host);
  device->fd = open(path, O_RDWR);
  if (device->fd < 0 || fstat(device->fd, &file) != 0) refuse(device, path);
  device->size = (uint64_t)file.st_size;
}

static int open_container(void) {
  int container = open("/dev/vfio/vfio", O_RDWR);
  if (container < 0) fail("/dev/vfio/vfio");
  if (ioctl(container, VFIO_GET_API_VERSION) != VFIO_API_VERSION) fail("VFIO_GET_API_VERSION");
  return container;
}

static int open_group(const struct device* device) {
  char link[PATH_MAX], target[PATH_MAX], path[PATH_MAX];
  struct vfio_group_status status = {.argsz = sizeof status};
  snprintf(link, sizeof link, "/sys/bus/platform/devices/%s/iommu_group", device->host);
  ssize_t length = readlink(link, target, sizeof target - 1);
  if (length < 0) refuse(device, link);
  target[length] = '\0';
  snprintf(path, sizeof path, "/dev/vfio/%s", basename(target));
  int group = open(path, O_RDWR);
  if (group < 0) refuse(device, path);
  if (ioctl(group, VFIO_GROUP_GET_STATUS, &status) != 0) refuse(device, "VFIO_GROUP_GET_STATUS");
  errno = 0;
  if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE)) refuse(device, "its group is not viable");
  return group;
}

// As QEMU does when it makes a device: everything that it is made of is looked at.
static void examine(struct device* device) {
  struct vfio_device_info info = {.argsz = sizeof info};
  if (ioctl(device->fd, VFIO_DEVICE_GET_INFO, &info) != 0) refuse(device, "VFIO_DEVICE_GET_INFO");
  errno = 0;
  if (!(info.flags & VFIO_DEVICE_FLAGS_PLATFORM)) refuse(device, "is no platform device");
  for (unsigned i = 0; i < info.num_regions; i++) {
    struct vfio_region_info region = {.argsz = sizeof region, .index = i};
    if (ioctl(device->fd, VFIO_DEVICE_GET_REGION_INFO, &region) != 0) refuse(device, "VFIO_DEVICE_GET_REGION_INFO");
    if (i > 0) continue;
    errno = 0;
    device->size = region.size;
    if (device->base != 0 && !(region.flags & VFIO_REGION_INFO_FLAG_MMAP)) refuse(device, "cannot be mapped");
    if (device->base != 0 && region.offset != 0) refuse(device, "its region is not at the beginning");
  }
  for (unsigned i = 0; i < info.num_irqs; i++) {
    struct vfio_irq_info interrupt = {.argsz = sizeof interrupt, .index = i};
    if (ioctl(device->fd, VFIO_DEVICE_GET_IRQ_INFO, &interrupt) != 0) refuse(device, "VFIO_DEVICE_GET_IRQ_INFO");
  }
}

void devices_open(struct device* devices, size_t count) {
  const char* folder = getenv("ORIN_QEMU_FILES");
  int container = folder == NULL ? open_container() : -1;
  for (size_t i = 0; i < count; i++) {
    struct device* device = &devices[i];
    if (folder != NULL) {
      open_file(folder, device);
      continue;
    }
    int group = open_group(device);
    if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) != 0) refuse(device, "VFIO_GROUP_SET_CONTAINER");
    if (i == 0 && ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) != 0) refuse(device, "VFIO_SET_IOMMU");
    device->fd = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, device->host);
    if (device->fd < 0) refuse(device, "VFIO_GROUP_GET_DEVICE_FD");
    // VFIO's descriptors are closed by exec.
    fcntl(device->fd, F_SETFD, 0);
    examine(device);
  }
}
