// SPDX-License-Identifier: GPL-2.0
/*
 * The part of a Tegra234 that the reference VM asks for, with all that it hangs on and some of what the host lives on. Ids are
 * those of the device-tree bindings; parents and rates hang together, and are no firmware's.
 */
#include <linux/kernel.h>

#include "bpmp_host.h"

#define KHZ 1000ULL
#define MHZ 1000000ULL
/* What a noise-aware loop of this chip counts in. */
#define LOOP (12750 * KHZ)

enum {
	CLK_M = 14,
	OSC = 91,
	PLLP = 101,
	PLLP_OUT0 = 102,
	UTMIP_PLL = 103,
	PLLC4 = 237,
	PLLC4_MUXED = 241,
	PLLC4_VCO_DIV2 = 242,
	PLLREFE_VCOOUT = 288,
	CLK_32K = 289,
	UTMIPLL_CLKOUT480 = 292,
	PLLREFE_VCOOUT_GATED = 327,
};

#define PARENTS(...) .parents = { __VA_ARGS__ }, \
	.parent_count = sizeof((u16[]){ __VA_ARGS__ }) / sizeof(u16)
#define CLOCK(_id, _name, _kind, ...) { .id = _id, .name = _name, .kind = _kind, __VA_ARGS__ }
#define ROOT(_id, _name, _hz) CLOCK(_id, _name, BPMP_SOURCE, .hz = _hz, .on = true)
#define FIXED(_id, _name, _hz, ...) CLOCK(_id, _name, BPMP_SOURCE, .hz = _hz, PARENTS(OSC), ##__VA_ARGS__)
#define PLL(_id, _name, _mhz, _min, _max, ...) \
	FIXED(_id, _name, _mhz * MHZ, .min = _min * MHZ, .max = _max * MHZ, .step = 1, ##__VA_ARGS__)
#define NAFLL(_id, _name, _low, _high, ...) \
	FIXED(_id, _name, _low * LOOP, .min = _low * LOOP, .max = _high * LOOP, .step = LOOP, ##__VA_ARGS__)
#define DIVIDER(_id, _name, _divisor, ...) CLOCK(_id, _name, BPMP_DIVIDER, .divisor = _divisor, __VA_ARGS__)
#define RATIO(_id, _name, _parent, _divisor, ...) \
	CLOCK(_id, _name, BPMP_RATIO, .divisor = _divisor, PARENTS(_parent), ##__VA_ARGS__)
#define GATE(_id, _name, ...) CLOCK(_id, _name, BPMP_GATE, __VA_ARGS__)
#define ON .on = true

const struct bpmp_clock bpmp_clock_table[] = {
	/* Where everything starts. */
	ROOT(OSC, "osc", 38400 * KHZ),
	ROOT(CLK_32K, "clk_32k", 32768),
	RATIO(CLK_M, "clk_m", OSC, 2, ON),
	FIXED(PLLP, "pllp", 408 * MHZ, ON),
	RATIO(PLLP_OUT0, "pllp_out0", PLLP, 1, ON),
	FIXED(UTMIP_PLL, "utmip_pll", 960 * MHZ, ON),
	RATIO(291, "utmipll_clkout48", UTMIP_PLL, 20, ON),
	RATIO(UTMIPLL_CLKOUT480, "utmipll_clkout480", UTMIP_PLL, 2, ON),
	FIXED(PLLREFE_VCOOUT, "pllrefe_vcoout", 625 * MHZ, ON),
	GATE(PLLREFE_VCOOUT_GATED, "pllrefe_vcoout_gated", PARENTS(PLLREFE_VCOOUT), ON),
	FIXED(PLLC4, "pllc4", 1600 * MHZ, ON),
	RATIO(PLLC4_VCO_DIV2, "pllc4_vco_div2", PLLC4, 2, ON),
	GATE(PLLC4_MUXED, "pllc4_muxed", PARENTS(PLLC4_VCO_DIV2), ON),
	PLL(93, "plla", 295, 200, 1000),
	RATIO(104, "plla_out0", 93, 6),

	/* The firmware's own. */
	NAFLL(197, "nafll_bpmp", 16, 32, ON, .rate_denied = true),
	GATE(308, "bpmp_cpu", PARENTS(197), ON, .rate_denied = true, .state_denied = true),

	/* gpu@17000000 */
	NAFLL(428, "nafll_gpusys", 9, 102),
	NAFLL(426, "nafll_gpc0", 9, 102),
	NAFLL(427, "nafll_gpc1", 9, 102),
	GATE(304, "gpusys", PARENTS(428, PLLP_OUT0, CLK_M)),
	GATE(41, "gpc0clk", PARENTS(426)),
	GATE(236, "gpc1clk", PARENTS(427)),
	RATIO(42, "gpu_pwr", PLLP_OUT0, 2),

	/* host1x@13e00000 */
	DIVIDER(46, "host1x", 2, PARENTS(PLLP_OUT0, PLLC4_MUXED, CLK_M), ON),
	DIVIDER(1, "actmon", 4, PARENTS(PLLP_OUT0, CLK_M, CLK_32K), ON),

	/* vic@15340000, nvdec@15480000, nvjpg@15380000 and @15540000, nvenc@154c0000, ofa@15a50000, tsec@15500000 */
	NAFLL(207, "nafll_vic", 9, 80),
	NAFLL(199, "nafll_nvdec", 9, 80),
	NAFLL(200, "nafll_nvjpg", 9, 80),
	NAFLL(210, "nafll_nvjpg1", 9, 80),
	NAFLL(205, "nafll_nvenc", 9, 80),
	NAFLL(333, "nafll_ofa", 9, 80),
	NAFLL(201, "nafll_tsec", 9, 80),
	GATE(167, "vic", PARENTS(207, PLLP_OUT0, CLK_M)),
	GATE(83, "nvdec", PARENTS(199, PLLP_OUT0, CLK_M)),
	GATE(90, "nvjpg", PARENTS(200, PLLP_OUT0, CLK_M)),
	GATE(20, "nvjpg1", PARENTS(210, PLLP_OUT0, CLK_M)),
	GATE(89, "nvenc", PARENTS(205, PLLP_OUT0, CLK_M)),
	GATE(334, "ofa", PARENTS(333, PLLP_OUT0, CLK_M)),
	GATE(153, "tsec", PARENTS(201, PLLP_OUT0, CLK_M)),
	DIVIDER(154, "tsec_pka", 2, PARENTS(PLLP_OUT0, PLLC4_MUXED, CLK_M)),
	DIVIDER(40, "fuse", 1, PARENTS(CLK_M, PLLP_OUT0), ON),
	DIVIDER(191, "fuse_serial", 1, PARENTS(CLK_M, PLLP_OUT0), ON),
	GATE(318, "fuse_burn", PARENTS(CLK_M)),

	/* display@13800000, dce@d800000 */
	NAFLL(341, "nafll_dce", 9, 80),
	GATE(434, "dce_cpu", PARENTS(341, PLLP_OUT0, CLK_M)),
	RATIO(339, "dce_cpu_nic", 434, 2),
	RATIO(340, "dce_nic", 434, 4),
	PLL(454, "disppll", 1000, 100, 2700),
	PLL(455, "disphubpll", 800, 100, 1600),
	RATIO(448, "vpll0_ref", OSC, 1),
	PLL(449, "vpll0", 150, 25, 1200),
	PLL(450, "vpll1", 150, 25, 1200),
	DIVIDER(84, "hub", 1, PARENTS(455, OSC)),
	DIVIDER(85, "disp", 1, PARENTS(454, OSC)),
	DIVIDER(86, "nvdisplay_p0", 1, PARENTS(449, 454)),
	DIVIDER(87, "nvdisplay_p1", 1, PARENTS(450, 454)),
	DIVIDER(19, "dpaux", 4, PARENTS(PLLP_OUT0, PLLC4_MUXED, OSC)),
	DIVIDER(131, "sor_safe", 17, PARENTS(PLLP_OUT0, OSC)),
	DIVIDER(7, "aud_mclk", 1, PARENTS(104, PLLP_OUT0, CLK_M)),

	/* The host's. */
	DIVIDER(155, "uarta", 4, PARENTS(PLLP_OUT0, OSC), ON),
	DIVIDER(157, "uartc", 4, PARENTS(PLLP_OUT0, OSC), ON),
	DIVIDER(123, "sdmmc4", 4, PARENTS(PLLC4_MUXED, PLLP_OUT0, CLK_M), ON),
	DIVIDER(48, "i2c1", 3, PARENTS(PLLP_OUT0, PLLC4_MUXED, CLK_M)),
	DIVIDER(105, "pwm1", 1, PARENTS(PLLP_OUT0, CLK_32K, CLK_M)),
	FIXED(310, "emcsa_mpll", 3199 * MHZ, ON, .rate_denied = true),
	GATE(321, "emcsa_emc", PARENTS(310), ON, .rate_denied = true),
	GATE(31, "emc", PARENTS(321), ON, .rate_denied = true),
};

const unsigned int bpmp_clock_count = ARRAY_SIZE(bpmp_clock_table);

const char *const bpmp_pg_names[BPMP_MAX_PG + 1] = {
	[1] = "ofa", [2] = "aud", [3] = "disp", [5] = "pciex8a", [6] = "pciex4a", [7] = "pciex4ba", [8] = "pciex4bb",
	[9] = "pciex1a", [10] = "xusba", [11] = "xusbb", [12] = "xusbc", [13] = "pciex4ca", [14] = "pciex4cb",
	[15] = "pciex4cc", [16] = "pciex8b", [17] = "mgbea", [18] = "mgbeb", [19] = "mgbec", [20] = "mgbed",
	[22] = "ispa", [23] = "nvdec", [24] = "nvjpga", [25] = "nvenc", [28] = "vi", [29] = "vic", [30] = "pva",
	[32] = "dlaa", [33] = "dlab", [34] = "cv", [35] = "gpu", [36] = "nvjpgb",
};

/* Those that the bootloader leaves on. */
bool bpmp_pg_on_at_power_on(u32 id)
{
	return id == 3 || id == 10 || id == 12;
}

bool bpmp_reset_exists(u32 id)
{
	return id >= 1 && id <= BPMP_MAX_RESET && id != 62 && id != 63 && id != 86 && !(id >= 155 && id <= 158);
}

/* What the host itself lives on: ACTMON, GPCDMA, I2C1, QSPI0, SDMMC4, the UARTs, XUSB_PADCTL. */
bool bpmp_reset_released_at_power_on(u32 id)
{
	return id == 1 || id == 18 || id == 24 || id == 76 || id == 85 || (id >= 99 && id <= 107) || id == 114;
}
