// The first and only program of a guest in the Orin twin that has been given edu (1234:11e8): finds it on its PCI bus, has it
// calculate, says what it saw, and powers off.
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICES "/sys/bus/pci/devices"
// edu's registers (QEMU's docs/specs/edu), as words.
enum { ID = 0x00 / 4, LIVENESS = 0x04 / 4, FACTORIAL = 0x08 / 4, STATUS = 0x20 / 4 };

static int has(const char* path, const char* text) {
  char found[16] = "";
  int fd = open(path, O_RDONLY);
  if (fd < 0 || read(fd, found, sizeof found - 1) < 0) found[0] = '\0';
  if (fd >= 0) close(fd);
  return strncmp(found, text, strlen(text)) == 0;
}

static volatile uint32_t* map_edu(void) {
  DIR* devices = opendir(DEVICES);
  struct dirent* entry;
  char path[512];
  while (devices != NULL && (entry = readdir(devices)) != NULL) {
    snprintf(path, sizeof path, DEVICES "/%s/device", entry->d_name);
    if (!has(path, "0x11e8")) continue;
    snprintf(path, sizeof path, DEVICES "/%s/enable", entry->d_name);
    int enable = open(path, O_WRONLY);
    if (enable < 0 || write(enable, "1", 1) != 1) return NULL;
    snprintf(path, sizeof path, DEVICES "/%s/resource0", entry->d_name);
    int fd = open(path, O_RDWR | O_SYNC);
    void* registers = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return registers == MAP_FAILED ? NULL : registers;
  }
  return NULL;
}

int main(void) {
  mkdir("/sys", 0755);
  mount("sys", "/sys", "sysfs", 0, NULL);
  volatile uint32_t* registers = map_edu();
  if (registers == NULL) {
    printf("EDU not found\n");
  } else {
    registers[LIVENESS] = 0x12345678;
    registers[FACTORIAL] = 10;
    while (registers[STATUS] & 1) usleep(100);
    printf("EDU id 0x%08x liveness 0x%08x factorial %u\n", registers[ID], registers[LIVENESS], registers[FACTORIAL]);
  }
  fflush(stdout);
  reboot(RB_POWER_OFF);
}
