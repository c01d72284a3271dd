/*
 * A guest of gpuvm, without a GPU: asks the BPMP for what a GPU driver asks, then for what it must not have, through
 * the window and in the way of the stock guest driver. Prints one line of JSON per request, for programs, and then a
 * table for people. Ends with 0 only if each answer was the expected one. What it switched on it leaves on.
 */
#include "steps.h"
#include "window.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILLER 0x5a /* what the reply's place holds before the transfer */
#define SHOWN 32    /* bytes of request and reply in the JSON line, at most */

static void prepare(const struct step *step, struct window *message)
{
	memset(message, 0, sizeof(*message));
	memset(message->rx, FILLER, sizeof(message->rx));
	memcpy(message->tx, step->words, sizeof(step->words));
	if (step->text)
		strncpy((char *)message->tx + 4, step->text, PAYLOAD_SIZE - 5);
	message->tx_size = step->size;
	message->rx_size = step->rx_size;
	message->mrq = step->mrq;
}

static bool reply_fits(const struct step *step, const struct window *message)
{
	uint64_t value = 0;

	if (message->rx_size != step->rx_size)
		return false;
	if (step->rx_size == 0 || step->reply == ANY_REPLY)
		return true;
	memcpy(&value, message->rx, step->rx_size);
	return value == (uint64_t)step->reply;
}

/* Behind the reply may lie what we put there or zeros: anything else is somebody's memory. */
static bool rest_is_clean(const struct window *message)
{
	for (uint64_t i = message->rx_size; i < PAYLOAD_SIZE; i++)
		if (message->rx[i] != FILLER && message->rx[i] != 0)
			return false;
	return true;
}

static void print_hex(const char *name, const uint8_t *bytes, uint64_t size)
{
	printf(",\"%s\":\"", name);
	for (uint64_t i = 0; i < size && i < SHOWN; i++)
		printf("%02x", bytes[i]);
	printf("\"");
}

struct outcome {
	int32_t ret;
	uint64_t rx_size;
	bool good;
};

static struct outcome run(size_t number, const struct step *step, volatile uint64_t *mapped)
{
	struct window message;

	prepare(step, &message);
	printf("gpuvm-demo: {\"step\":%zu,\"name\":\"%s\",\"mrq\":%" PRIu32 ",\"size\":%" PRIu64, number, step->name,
	       step->mrq, step->size);
	print_hex("tx", message.tx, step->size <= PAYLOAD_SIZE ? step->size : 0);

	window_transfer(mapped, &message);

	struct outcome outcome = { .ret = message.ret, .rx_size = message.rx_size };
	outcome.good = message.ret == step->ret && reply_fits(step, &message) && rest_is_clean(&message);
	printf(",\"ret\":%" PRId32 ",\"rxSize\":%" PRIu64, message.ret, message.rx_size);
	print_hex("rx", message.rx, message.rx_size);
	printf(",\"expected\":%s}\n", outcome.good ? "true" : "false");
	return outcome;
}

static void print_row(size_t number, const struct step *step, const struct outcome *outcome)
{
	printf("%4zu  %-34s %5" PRId32 " %4" PRIu64 "  %s\n", number, step->name, outcome->ret, outcome->rx_size,
	       outcome->good ? "as expected" : "NOT AS EXPECTED");
}

int main(void)
{
	uint64_t address;
	size_t good = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!window_address(&address)) {
		fprintf(stderr, "bpmp-demo: no window: neither gpuvm.window= nor /bpmp/virtual-pa is there\n");
		return 2;
	}
	volatile uint64_t *mapped = window_map(address);
	if (!mapped) {
		fprintf(stderr, "bpmp-demo: cannot map the window at 0x%" PRIx64 ": %s\n", address, strerror(errno));
		return 2;
	}

	struct outcome outcomes[step_count];
	for (size_t i = 0; i < step_count; i++) {
		outcomes[i] = run(i + 1, &steps[i], mapped);
		good += outcomes[i].good;
	}
	/* Whoever watches on the host's side has shown the requests by now, so the table is not torn apart. */
	usleep(100 * 1000);
	printf("\nThe guest's account, window at 0x%" PRIx64 ":\n   #  %-34s %5s %4s\n", address, "request", "ret", "rx");
	for (size_t i = 0; i < step_count; i++)
		print_row(i + 1, &steps[i], &outcomes[i]);
	printf("gpuvm-demo: {\"steps\":%zu,\"asExpected\":%zu}\n", step_count, good);
	return good == step_count ? 0 : 1;
}
