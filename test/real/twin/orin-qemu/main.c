// qemu-system-aarch64-orin: stands in for the patched QEMU of an Orin host where there is none. Its vfio-platform opens
// devices as QEMU's does, and with mmio-base it puts a device's memory at that very address of the guest; all else is
// the work of a stock QEMU, which this becomes.
//
//   ORIN_QEMU        the stock QEMU, /usr/bin/qemu-system-aarch64 unless told
//   ORIN_QEMU_FILES  a folder with a file for each device, in place of VFIO
//
// Devices without mmio-base are opened and held as long as QEMU runs, but the guest does not see them: nothing is
// behind their registers in a twin. The DMA of none is mapped.
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "devices.h"
#include "layout.h"

static const char help[] =
    "vfio-platform options:\n"
    "  host=<str>\n"
    "  mmap-timeout-ms=<uint32> -  (default: 1100)\n"
    "  mmio-base=<uint64>     -  (default: 0)\n"
    "  sysfsdev=<str>\n"
    "  x-irqfd=<bool>         -  (default: true)\n"
    "  x-no-mmap=<bool>       -  (default: false)\n";

// What lets QEMU map a descriptor as if it were a file: preload.c, in the folder of this program.
static void preload(void) {
  char self[PATH_MAX], library[PATH_MAX + 32];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length < 0) fail("/proc/self/exe");
  self[length] = '\0';
  snprintf(library, sizeof library, "%s/orin-qemu-preload.so", dirname(self));
  if (access(library, R_OK) != 0) fail(library);
  setenv("LD_PRELOAD", library, 1);
}

int main(int argc, char** argv) {
  const char* qemu = getenv("ORIN_QEMU");
  struct arguments arguments = arguments_parse(argc, argv);
  if (arguments.asks_help) return fputs(help, stdout) < 0;
  if (arguments.devices_count > 0) {
    devices_open(arguments.devices, arguments.devices_count);
    layout_add(&arguments);
    preload();
  }
  if (qemu == NULL) qemu = "/usr/bin/qemu-system-aarch64";
  arguments.words[0] = argv[0];
  execv(qemu, arguments.words);
  fail(qemu);
}
