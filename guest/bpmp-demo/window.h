/* The MMIO window of a guest kernel's BPMP proxy, reached from user space through /dev/mem. */
#ifndef WINDOW_H
#define WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define WINDOW_SIZE 0x600
#define PAYLOAD_SIZE 0x200

/* What lies in the window, byte for byte. Writing `mrq` starts the transfer. */
struct window {
	uint8_t tx[PAYLOAD_SIZE]; /* 0x000: the request */
	uint8_t rx[PAYLOAD_SIZE]; /* 0x200: the reply */
	uint64_t tx_size;         /* 0x400 */
	uint64_t rx_size;         /* 0x408 */
	int32_t ret;              /* 0x410 */
	uint8_t unused[0xec];
	uint32_t mrq;             /* 0x500 */
	uint8_t tail[0xfc];
};

_Static_assert(sizeof(struct window) == WINDOW_SIZE, "the window's size is fixed");
_Static_assert(__builtin_offsetof(struct window, mrq) == 0x500, "and so are its offsets");

/* Where the window is: "gpuvm.window=" on the kernel's command line, else virtual-pa of /bpmp in the device tree. */
bool window_address(uint64_t *address);

/* Maps it; a null pointer, with errno, where that fails. */
volatile uint64_t *window_map(uint64_t address);

/* One transfer: all of it in, all of it out. The answer comes before the write of `mrq` ends. */
void window_transfer(volatile uint64_t *mapped, struct window *message);

#endif
