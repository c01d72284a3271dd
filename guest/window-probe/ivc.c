// The BPMP as the chip has it, driven with the accesses that Linux 6.12 makes: drivers/mailbox/tegra-hsp.c,
// drivers/firmware/tegra/{bpmp,bpmp-tegra186,ivc}.c. One CPU, GICv2; the interrupt is waited for with WFI, masked, so there
// are no vectors.

#include "probe.h"

#define GICD 0x08000000ul
#define GICC 0x08010000ul
#define DOORBELL_INTERRUPT 35u	// SPI 3

#define BELL 0x90300
#define ENABLE 0x90104
#define PENDING 0x9010c
#define BPMP_BIT (1u << 19)

#define QUEUE 256
#define TO_GUEST 0x1000
#define SENT 0
#define STATE 4
#define TAKEN 64
#define FRAME 128
enum { ESTABLISHED, SYNC, ACK };

static u64 hsp, sram;

static u64 out(u64 channel) { return sram + QUEUE * channel; }
static u64 in(u64 channel) { return sram + TO_GUEST + QUEUE * channel; }
static void ring(void) { write(4, hsp + BELL, 1); }

static void enter(u64 channel, u32 state, int clear)
{
	if (clear) {
		write(4, out(channel) + SENT, 0);
		write(4, in(channel) + TAKEN, 0);
	}
	write(4, out(channel) + STATE, state);
	ring();
}

static void handshake(u64 channel)
{
	enter(channel, SYNC, 0);
	do {
		u32 remote = read(4, in(channel) + STATE);
		u32 local = read(4, out(channel) + STATE);
		if (remote == SYNC) enter(channel, ACK, 1);
		else if (local == SYNC && remote == ACK) enter(channel, ESTABLISHED, 1);
		else if (local == ACK) enter(channel, ESTABLISHED, 0);
	} while (read(4, out(channel) + STATE) != ESTABLISHED);
}

void ivc_boot(const struct ivc_request *request)
{
	static const u8 channels[] = { 3, 13, 0, 1, 2 };
	hsp = request->hsp;
	sram = request->sram;
	write(1, GICD + 0x800 + DOORBELL_INTERRUPT, 1);
	write(4, GICD + 0x100 + 4 * (DOORBELL_INTERRUPT / 32), 1u << (DOORBELL_INTERRUPT % 32));
	write(4, GICD, 1);
	write(4, GICC + 4, 0xff);
	write(4, GICC, 1);
	write(4, hsp + ENABLE, read(4, hsp + ENABLE) | BPMP_BIT);
	for (u64 i = 0; i < sizeof(channels); i++) handshake(channels[i]);
}

static int is_free(u64 channel)
{
	return read(4, out(channel) + STATE) == ESTABLISHED && read(4, out(channel) + SENT) == read(4, out(channel) + TAKEN);
}

static int is_ready(u64 channel)
{
	if (read(4, out(channel) + STATE) != ESTABLISHED) return 0;
	if (read(4, in(channel) + SENT) != read(4, in(channel) + TAKEN)) return 1;
	return read(4, in(channel) + SENT) != read(4, in(channel) + TAKEN);
}

static void send(const struct ivc_request *request)
{
	u64 to = out(request->channel);
	while (!is_free(request->channel)) ;
	write(4, to + FRAME, request->mrq);
	write(4, to + FRAME + 4, 3);
	for (u64 i = 0; i < request->size; i += 8) write(8, to + FRAME + 8 + i, *(const u64 *)(request->data + i));
	is_free(request->channel);
	write(4, to + SENT, read(4, to + SENT) + 1);
	if (read(4, to + SENT) - read(4, to + TAKEN) == 1) ring();
	ring();
}

// Until the answer is there; the interrupt's handler and the thread that it wakes in one.
static void wait(u64 channel)
{
	for (int ready = 0; !ready; ) {
		u32 interrupt;
		asm volatile("dsb sy; wfi");
		interrupt = read(4, GICC + 0xc);
		if ((interrupt & 0x3ff) != DOORBELL_INTERRUPT) continue;
		write(4, hsp + PENDING, read(4, hsp + PENDING));
		is_ready(13);
		ready = is_ready(channel);
		write(4, GICC + 0x10, interrupt);
	}
	read(4, out(channel) + FRAME + 4);
}

static u32 receive(const struct ivc_request *request, u64 *data)
{
	u64 from = in(request->channel);
	for (u64 i = 0; i < request->size; i += 8) data[i / 8] = read(8, from + FRAME + 8 + i);
	is_ready(request->channel);
	write(4, from + TAKEN, read(4, from + TAKEN) + 1);
	if (read(4, from + SENT) == read(4, from + TAKEN)) ring();
	return read(4, from + FRAME);
}

static u32 transfer(const struct ivc_request *request, u64 *data)
{
	send(request);
	wait(request->channel);
	return receive(request, data);
}

void ivc_transfer(const struct ivc_request *request)
{
	u64 data[15];
	u32 ret = transfer(request, data);
	put_text("t ");
	put_hex(ret, 8);
	put(' ');
	put_hex(request->size, 16);
	put(' ');
	for (u64 i = 0; i < request->size; i++) put_hex(((u8 *)data)[i], 2);
	put('\n');
}

void ivc_repeat(const struct ivc_request *request, u64 count)
{
	u64 data[15];
	for (u64 i = 0; i < count; i++) {
		u64 start = now();
		transfer(request, data);
		*(volatile u64 *)(TIMES + 8 * i) = now() - start;
	}
	print_times(count);
}
