#include "window.h"

#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char key[] = "gpuvm.window=";

static bool from_command_line(uint64_t *address)
{
	char line[2048] = "";
	FILE *file = fopen("/proc/cmdline", "re");

	if (!file)
		return false;
	char *found = fgets(line, sizeof(line), file) ? strstr(line, key) : NULL;
	fclose(file);
	if (!found)
		return false;
	*address = strtoull(found + strlen(key), NULL, 0);
	return true;
}

static bool from_tree(uint64_t *address)
{
	uint32_t cells[2]; /* high and low half, big-endian as all of a device tree */
	FILE *file = fopen("/proc/device-tree/bpmp/virtual-pa", "re");

	if (!file)
		return false;
	size_t count = fread(cells, sizeof(cells[0]), 2, file);
	fclose(file);
	*address = (uint64_t)be32toh(cells[0]) << 32 | be32toh(cells[1]);
	return count == 2;
}

bool window_address(uint64_t *address)
{
	return from_command_line(address) || from_tree(address);
}

volatile uint64_t *window_map(uint64_t address)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t start = address & ~(page - 1);
	/* O_SYNC makes it device memory, as a driver's ioremap does; a window may straddle two pages. */
	int memory = open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);

	if (memory < 0)
		return NULL;
	uint8_t *mapped = mmap(NULL, address + WINDOW_SIZE - start, PROT_READ | PROT_WRITE, MAP_SHARED, memory,
			       (off_t)start);
	close(memory);
	return mapped == MAP_FAILED ? NULL : (volatile uint64_t *)(mapped + (address - start));
}

/*
 * Only aligned 8-byte accesses, in ascending order: what memcpy_toio and memcpy_fromio of the stock driver make.
 * The driver holds a spinlock around both; here nobody else uses the window.
 */
void window_transfer(volatile uint64_t *mapped, struct window *message)
{
	uint64_t words[WINDOW_SIZE / 8];

	memcpy(words, message, WINDOW_SIZE);
	for (int i = 0; i < WINDOW_SIZE / 8; i++)
		mapped[i] = words[i];
	for (int i = 0; i < WINDOW_SIZE / 8; i++)
		words[i] = mapped[i];
	memcpy(message, words, WINDOW_SIZE);
}
