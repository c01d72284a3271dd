// A guest without an operating system, for tests and benchmarks of the BPMP's bridges: it carries out a list of accesses
// that lies in its memory, prints what it read on the PL011 console, and powers off. Raw binary for QEMU's arm64
// `virt`, started with -kernel; MMU and caches off, so every access is exactly what it says.
//
// test/support/window-probe.ts writes the list; the two agree on struct step and on the addresses.

#include "probe.h"

#define SCRIPT 0x4a000000ul
#define STATE 0x47000000ul	// what QEMU does not load survives a reset of the machine
#define SCRATCH 0x46000000ul
#define STACK 0x45000000ul
#define SECOND_STACK 0x45800000ul
#define UART 0x09000000ul
#define MAGIC 0x70726f6265ul

enum { END, WRITE, READ, TRANSFER, REPEAT, RESET, START_SECOND, STORE_PAIR, STOP_SECOND, PAUSE, IVC_BOOT, IVC_TRANSFER, IVC_REPEAT, ASK };

struct step {
	u64 code;
	u64 size;	// of an access in bytes; of REPEAT and IVC_REPEAT: how often; of PAUSE: ms; of ASK: where the other request lies
	u64 address;	// of an access, of the window, of the second CPU's list, of an IVC request
	u64 value;	// to be written; for a transfer where its 0x600 bytes lie
};

#define RESET_DONE (*(volatile u64 *)STATE)
#define SECOND_STOP (*(volatile u64 *)(STATE + 64))
#define SECOND_ROUNDS (*(volatile u64 *)(STATE + 128))

static u64 firmware(u64 function, u64 a, u64 b, u64 c)
{
	register u64 x0 asm("x0") = function;
	register u64 x1 asm("x1") = a;
	register u64 x2 asm("x2") = b;
	register u64 x3 asm("x3") = c;
	asm volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
	return x0;
}

u64 now(void)
{
	u64 value;
	asm volatile("isb; mrs %0, cntvct_el0" : "=r"(value));
	return value;
}

u64 counter_frequency(void)
{
	u64 frequency;
	asm volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
	return frequency;
}

void put(char c)
{
	*(volatile u32 *)UART = (u8)c;
}

void put_text(const char *text)
{
	while (*text) put(*text++);
}

void put_hex(u64 value, int digits)
{
	while (digits-- > 0) put("0123456789abcdef"[(value >> (4 * digits)) & 15]);
}

void write(u64 size, u64 address, u64 value)
{
	if (size == 1) *(volatile u8 *)address = value;
	else if (size == 2) *(volatile unsigned short *)address = value;
	else if (size == 4) *(volatile u32 *)address = value;
	else *(volatile u64 *)address = value;
}

u64 read(u64 size, u64 address)
{
	if (size == 1) return *(volatile u8 *)address;
	if (size == 2) return *(volatile unsigned short *)address;
	if (size == 4) return *(volatile u32 *)address;
	return *(volatile u64 *)address;
}

// As the kernel's guest proxy does it: the whole window in, the whole window out, eight bytes at a time.
static void transfer(u64 window, u64 source)
{
	for (u64 i = 0; i < 0x600; i += 8) write(8, window + i, *(volatile u64 *)(source + i));
	for (u64 i = 0; i < 0x600; i += 8) *(volatile u64 *)(SCRATCH + i) = read(8, window + i);
}

static void print_reply(void)
{
	u64 size = *(volatile u64 *)(SCRATCH + 0x408);
	put_text("t ");
	put_hex(*(volatile u32 *)(SCRATCH + 0x410), 8);
	put(' ');
	put_hex(size, 16);
	put(' ');
	for (u64 i = 0; i < size && i < 512; i++) put_hex(*(volatile u8 *)(SCRATCH + 0x200 + i), 2);
	put('\n');
}

static void pause(u64 ms)
{
	for (u64 end = now() + ms * counter_frequency() / 1000; now() < end; ) ;
}

// Printed afterwards, so that the console is quiet meanwhile.
void print_times(u64 count)
{
	for (u64 i = 0; i < count; i++) {
		put_text("n ");
		put_hex(*(volatile u64 *)(TIMES + 8 * i) * 1000000 / (counter_frequency() / 1000), 16);
		put('\n');
	}
}

static void repeat(u64 count, u64 window, u64 source)
{
	for (u64 i = 0; i < count; i++) {
		u64 start = now();
		transfer(window, source);
		*(volatile u64 *)(TIMES + 8 * i) = now() - start;
	}
	print_times(count);
}

static u32 answer(u64 offset)
{
	return *(volatile u32 *)(SCRATCH + offset);
}

static void put_count(const char *what, u64 count)
{
	put_text(what);
	put_hex(count, 8);
}

// Without an end, and says how far it is: a ping with a new challenge each time, whose answer must be its double, and
// after every fourth a request that may be refused (EIO), but only as a whole.
static void ask(u64 window, u64 ping, u64 other)
{
	u64 others = 0, refused = 0, wrong = 0;
	for (u64 i = 1; ; i++) {
		*(volatile u32 *)ping = i;
		transfer(window, ping);
		if (answer(0x410) != 0 || answer(0x408) != 4 || answer(0x200) != (u32)(2 * i)) {
			wrong++;
			put_count("wrong ", i);
			put_count(" ", answer(0x410));
			put_count(" ", answer(0x200));
			put('\n');
		}
		if (i % 4 == 0) {
			transfer(window, other);
			others++;
			if (answer(0x410) == (u32)-5) refused++;
			else if (answer(0x410) != 0) wrong++;
		}
		if (i % 16 == 0) {
			put_count("asked ", i);
			put_count(" others ", others);
			put_count(" refused ", refused);
			put_count(" wrong ", wrong);
			put('\n');
		}
	}
}

void second_main(const struct step *step)
{
	for (u64 round = 1; !SECOND_STOP; round++) {
		for (const struct step *s = step; s->code == WRITE; s++) write(s->size, s->address, s->value);
		SECOND_ROUNDS = round;
	}
	firmware(0x84000002, 0, 0, 0);
}

asm(".text; second_start: mov x1, #" "0x45800000" "; mov sp, x1; b second_main");
extern char second_start[];

void first_main(void)
{
	for (const struct step *s = (const struct step *)SCRIPT; s->code != END; s++) {
		switch (s->code) {
		case WRITE:
			write(s->size, s->address, s->value);
			break;
		case STORE_PAIR:
			asm volatile("stp %0, %1, [%2]" : : "r"(s->value), "r"(s->size), "r"(s->address) : "memory");
			break;
		case READ:
			put_text("r ");
			put_hex(read(s->size, s->address), 16);
			put('\n');
			break;
		case TRANSFER:
			transfer(s->address, s->value);
			print_reply();
			break;
		case REPEAT:
			repeat(s->size, s->address, s->value);
			break;
		case PAUSE:
			pause(s->size);
			break;
		case IVC_BOOT:
			ivc_boot((const struct ivc_request *)s->address);
			break;
		case IVC_TRANSFER:
			ivc_transfer((const struct ivc_request *)s->address);
			break;
		case IVC_REPEAT:
			ivc_repeat((const struct ivc_request *)s->address, s->size);
			break;
		case ASK:
			ask(s->address, s->value, s->size);
			break;
		case RESET:
			if (RESET_DONE == MAGIC) break;
			RESET_DONE = MAGIC;
			put_text("reset\n");
			firmware(0x84000009, 0, 0, 0);
			break;
		case START_SECOND:
			SECOND_STOP = 0;
			SECOND_ROUNDS = 0;
			firmware(0xc4000003, 1, (u64)second_start, s->address);
			while (SECOND_ROUNDS == 0) ;
			break;
		case STOP_SECOND:
			SECOND_STOP = 1;
			put_text("s ");
			put_hex(SECOND_ROUNDS, 16);
			put('\n');
			break;
		}
	}
	put_text("end\n");
	firmware(0x84000008, 0, 0, 0);
	for (;;) asm volatile("wfi");
}

asm(".section .text.start, \"ax\"; .global _start; _start: mov x1, #0x45000000; mov sp, x1; b first_main");
