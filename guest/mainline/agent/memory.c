#define _GNU_SOURCE
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096

/* As device memory, which takes an access of this width as a whole or not at all. */
static int access_word(uint64_t address, uint64_t *value, bool writes)
{
	volatile uint64_t *word;
	void *page;
	int fd;

	if (address % sizeof(*word)) {
		errno = EINVAL;
		return -1;
	}
	fd = open("/dev/mem", O_RDWR | O_SYNC);
	if (fd < 0)
		return -1;
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, address - address % PAGE);
	close(fd);
	if (page == MAP_FAILED)
		return -1;
	word = (volatile uint64_t *)((char *)page + address % PAGE);
	if (writes)
		*word = *value;
	else
		*value = *word;
	return munmap(page, PAGE);
}

int memory_read(uint64_t address, uint64_t *value)
{
	return access_word(address, value, false);
}

int memory_write(uint64_t address, uint64_t value)
{
	return access_word(address, &value, true);
}
