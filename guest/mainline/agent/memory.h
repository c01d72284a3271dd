/* Physical memory that is not the kernel's own, one word at a time. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdint.h>

/* Both return 0, or -1 with errno; the address is one of a word's, aligned. */
int memory_read(uint64_t address, uint64_t *value);
int memory_write(uint64_t address, uint64_t value);

#endif
