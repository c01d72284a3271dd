#include "steps.h"

/* Numbers are those of the kernel's bpmp-abi.h and of the Tegra234 device-tree bindings. */
enum { PING = 0, RESET = 20, CLK = 22, PG = 66, QUERY_FW_TAG = 71, DEBUG = 75, NO_SUCH_MRQ = 0x4242 };
enum { SET_RATE = 2, GET_RATE = 1, IS_ENABLED = 6, ENABLE = 7, DISABLE = 8 };
enum { GPC0CLK = 41, PLLP_OUT0 = 102, GPC1CLK = 236, GPUSYS = 304 };
enum { RESET_DEASSERT = 2, RESET_GPU = 19 };
enum { PG_SET_STATE = 1, PG_GET_STATE = 2, PG_ON = 1, DOMAIN_GPU = 35 };
enum { DEBUG_OPEN_WO = 1 };

#define CLOCK(command, id) ((uint32_t)(command) << 24 | (uint32_t)(id))
#define HZ(rate) (uint32_t)((rate) & 0xffffffff), (uint32_t)((uint64_t)(rate) >> 32)
#define RATE 918000000

const struct step steps[] = {
	/* A GPU driver's start. */
	{ "PING", PING, { 0x21 }, .size = 4, .rx_size = 4, .reply = 0x42 },
	{ "QUERY_FW_TAG", QUERY_FW_TAG, .rx_size = 32, .reply = ANY_REPLY },
	{ "PG SET_STATE GPU on", PG, { PG_SET_STATE, DOMAIN_GPU, PG_ON }, .size = 12 },
	{ "PG GET_STATE GPU", PG, { PG_GET_STATE, DOMAIN_GPU }, .size = 8, .rx_size = 4, .reply = PG_ON },
	{ "CLK ENABLE GPUSYS", CLK, { CLOCK(ENABLE, GPUSYS) }, .size = 4 },
	{ "CLK ENABLE GPC0CLK", CLK, { CLOCK(ENABLE, GPC0CLK) }, .size = 4 },
	{ "CLK ENABLE GPC1CLK", CLK, { CLOCK(ENABLE, GPC1CLK) }, .size = 4 },
	{ "CLK SET_RATE GPC0CLK 918 MHz", CLK, { CLOCK(SET_RATE, GPC0CLK), 0, HZ(RATE) }, .size = 16, .rx_size = 8,
	  .reply = RATE },
	{ "CLK GET_RATE GPC0CLK", CLK, { CLOCK(GET_RATE, GPC0CLK) }, .size = 4, .rx_size = 8, .reply = RATE },
	{ "RESET DEASSERT GPU", RESET, { RESET_DEASSERT, RESET_GPU }, .size = 8 },

	/* An attacker. */
	/* Absorbed: answered like a success and not done, as the last step shows. */
	{ "CLK DISABLE PLLP_OUT0", CLK, { CLOCK(DISABLE, PLLP_OUT0) }, .size = 4 },
	{ "DEBUG OPEN_WO clk/pllp_out0/rate", DEBUG, { DEBUG_OPEN_WO }, .text = "clk/pllp_out0/rate", .size = 120,
	  .ret = REFUSED },
	{ "CLK ENABLE GPUSYS + 0x1000", CLK, { CLOCK(ENABLE, GPUSYS + 0x1000) }, .size = 4, .ret = REFUSED },
	{ "CLK SET_RATE GPC0CLK, cut off", CLK, { CLOCK(SET_RATE, GPC0CLK) }, .size = 4, .ret = MALFORMED },
	{ "CLK GET_RATE of 0xffffffff bytes", CLK, { CLOCK(GET_RATE, GPC0CLK) }, .size = 0xffffffff,
	  .ret = MALFORMED },
	{ "MRQ 0x4242", NO_SUCH_MRQ, { 1, 2, 3 }, .size = 12, .ret = REFUSED },

	/* And nothing has changed by it. */
	{ "CLK IS_ENABLED PLLP_OUT0", CLK, { CLOCK(IS_ENABLED, PLLP_OUT0) }, .size = 4, .rx_size = 4, .reply = 1 },
};

const size_t step_count = sizeof(steps) / sizeof(steps[0]);
