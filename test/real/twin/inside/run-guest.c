// The first and only program of a guest inside the x86 twin: finds edu (1234:11e8) on its PCI bus, works with it as a driver
// would, and says each result in a line of its own. With hold=1 on the kernel's command line it stays until it is sent a line.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <dirent.h>
#include <time.h>
#include <unistd.h>

#define DEVICES "/sys/bus/pci/devices"
#define PAGE 4096
#define COUNT 2048
// edu's registers and its own memory (QEMU's docs/specs/edu).
#define ID 0x00
#define LIVENESS 0x04
#define FACTORIAL 0x08
#define STATUS 0x20
#define RAISE 0x60
#define ACKNOWLEDGE 0x64
#define DMA_SOURCE 0x80
#define DMA_DESTINATION 0x88
#define DMA_COUNT 0x90
#define DMA_COMMAND 0x98
#define BUFFER 0x40000
// Linux has nothing on this vector, counts what comes there as spurious (SPU in /proc/interrupts), and goes on.
#define FREE_VECTOR 0xf5

static char device[64];
static volatile uint8_t *registers;

static uint32_t read32(unsigned at) { return *(volatile uint32_t *)(registers + at); }
static void write32(unsigned at, uint32_t value) { *(volatile uint32_t *)(registers + at) = value; }
static void write64(unsigned at, uint64_t value) { *(volatile uint64_t *)(registers + at) = value; }

static void end(void)
{
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	for (;;) pause();
}

static void die(const char *what)
{
	printf("GUEST failed: %s\n", what);
	end();
}

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

// Whether the value comes within ten seconds.
static int comes(int (*ask)(void))
{
	double until = seconds() + 10;
	while (!ask())
		if (seconds() > until) return 0;
	return 1;
}

static int text(const char *path, char *into, size_t size)
{
	int fd = open(path, O_RDONLY);
	if (fd < 0) return -1;
	ssize_t length = read(fd, into, size - 1);
	close(fd);
	into[length < 0 ? 0 : length] = 0;
	return length;
}

static unsigned attribute(const char *name, const char *of)
{
	char path[256], value[32];
	snprintf(path, sizeof path, DEVICES "/%s/%s", name, of);
	return text(path, value, sizeof value) > 0 ? strtoul(value, 0, 16) : 0;
}

static int opened(const char *of)
{
	char path[128];
	snprintf(path, sizeof path, DEVICES "/%s/%s", device, of);
	int fd = open(path, O_RDWR | O_SYNC);
	if (fd < 0) die(path);
	return fd;
}

static void find(void)
{
	DIR *all = opendir(DEVICES);
	struct dirent *entry;
	while (all && (entry = readdir(all)))
		if (attribute(entry->d_name, "vendor") == 0x1234 && attribute(entry->d_name, "device") == 0x11e8)
			snprintf(device, sizeof device, "%.60s", entry->d_name);
	if (!*device) die("no edu on the PCI bus");
}

static int config;

static unsigned config16(unsigned at)
{
	uint16_t value = 0;
	if (pread(config, &value, 2, at) != 2) die("configuration space");
	return value;
}

static void setConfig(unsigned at, uint32_t value, unsigned bytes)
{
	if (pwrite(config, &value, bytes, at) != bytes) die("configuration space");
}

static int isComputed(void) { return !(read32(STATUS) & 1); }
static int isMoved(void) { return !(read32(DMA_COMMAND) & 1); }

static void move(uint64_t from, uint64_t to, unsigned count, unsigned command)
{
	write64(DMA_SOURCE, from);
	write64(DMA_DESTINATION, to);
	write64(DMA_COUNT, count);
	write64(DMA_COMMAND, command);
	if (!comes(isMoved)) die("edu does not end its DMA");
}

// Where the page is in the guest's memory.
static uint64_t physical(void *page)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);
	if (pread(fd, &entry, 8, (uintptr_t)page / PAGE * 8) != 8 || !(entry >> 63)) die("pagemap");
	close(fd);
	return (entry & ((1ull << 55) - 1)) * PAGE;
}

static void dma(void)
{
	static const char message[] = "out of the guest's memory, by way of the device, and back";
	char *pages = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
	if (pages == MAP_FAILED) die("memory");
	memcpy(pages, message, sizeof message);
	memset(pages + PAGE, 0xee, PAGE);
	uint64_t from = physical(pages), to = physical(pages + PAGE);
	move(from, BUFFER, COUNT, 1);
	memset(pages, 0, PAGE);
	move(BUFFER, to, COUNT, 3);
	int same = !memcmp(pages + PAGE, message, sizeof message) && !pages[PAGE + sizeof message];
	printf("GUEST dma %s 0x%llx 0x%llx\n", same ? "both-ways" : "differs", (unsigned long long)from,
	       (unsigned long long)to);
}

static unsigned spurious(void)
{
	static char all[16384];
	text("/proc/interrupts", all, sizeof all);
	char *line = strstr(all, "SPU:");
	return line ? strtoul(line + 4, 0, 10) : 0;
}

static unsigned before;
static int hasCome(void) { return spurious() > before; }

// An MSI to the first CPU, without a driver to take it.
static void msi(void)
{
	unsigned at = config16(0x34) & 0xff;
	while (at && (config16(at) & 0xff) != 5) at = config16(at) >> 8;
	if (!at) die("edu has no MSI capability");
	unsigned control = config16(at + 2), is64 = control & 0x80;
	setConfig(at + 4, 0xfee00000, 4);
	if (is64) setConfig(at + 8, 0, 4);
	setConfig(at + (is64 ? 12 : 8), FREE_VECTOR, 2);
	setConfig(at + 2, control | 1, 2);
	before = spurious();
	write32(RAISE, 1);
	int came = comes(hasCome);
	write32(ACKNOWLEDGE, 1);
	printf("GUEST msi %u\n", came ? spurious() - before : 0);
	setConfig(at + 2, control & ~1, 2);
}

int main(void)
{
	mkdir("/sys", 0755);
	mkdir("/proc", 0755);
	if (mount("sysfs", "/sys", "sysfs", 0, 0) || mount("proc", "/proc", "proc", 0, 0)) die("mount");
	setvbuf(stdout, 0, _IOLBF, 0);
	printf("GUEST up %.1f\n", seconds());
	find();
	printf("GUEST edu %s\n", device);
	config = opened("config");
	setConfig(4, config16(4) | 6, 2);
	registers = mmap(0, 0x100000, PROT_READ | PROT_WRITE, MAP_SHARED, opened("resource0"), 0);
	if (registers == MAP_FAILED) die("mmap of resource0");
	printf("GUEST id 0x%08x\n", read32(ID));
	write32(LIVENESS, 0x12345678);
	printf("GUEST liveness 0x%08x\n", read32(LIVENESS));
	write32(FACTORIAL, 10);
	if (!comes(isComputed)) die("edu does not end its factorial");
	printf("GUEST factorial %u\n", read32(FACTORIAL));
	dma();
	msi();
	printf("GUEST done %.1f\n", seconds());
	if (getenv("hold")) {
		printf("GUEST waits\n");
		getchar();
	}
	end();
}
