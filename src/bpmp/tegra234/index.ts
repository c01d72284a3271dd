import type { ChipNames } from '../wire/index.js';
import { clocks } from './generated/clocks.js';
import { powerDomains } from './generated/power-domains.js';
import { resets } from './generated/resets.js';
import { streamIds } from './generated/stream-ids.js';
import { NameTable } from './name-table.js';

/**
 * The names of Tegra234 (Jetson Orin). A stream id may have one name in each of the chip's SMMUs; `nameOf` answers
 * the header's first.
 */
export const tegra234: ChipNames = {
  chip: 'tegra234',
  clocks: new NameTable('clock', 'TEGRA234_CLK_', clocks),
  resets: new NameTable('reset', 'TEGRA234_RESET_', resets),
  powerDomains: new NameTable('power domain', 'TEGRA234_POWER_DOMAIN_', powerDomains),
  streamIds: new NameTable('stream id', 'TEGRA234_SID_', streamIds),
};

/** The roots of the clock tree that host and guest always share: nobody but the host may stop or retune them. */
export const sharedRootClocks: readonly number[] = [
  clocks.CLK_M,
  clocks.OSC,
  clocks.PLLP_OUT0,
  clocks.UTMIP_PLL,
  clocks.PLLREFE_VCOOUT,
  clocks.UTMIPLL_CLKOUT480,
  clocks.PLLREFE_VCOOUT_GATED,
];
