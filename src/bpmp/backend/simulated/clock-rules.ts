/**
 * The clock tree of the model, as rules over the chip's clock names: the first rule that matches a name makes its
 * clock. Parents and rates are a plausible Tegra234's, not a copy of any firmware's: what matters is that they hang
 * together (see docs/backends.md).
 */

export type ClockRule = {
  readonly names: RegExp;
  /** Names of the possible parents, the one at power-on first; `$1` is what the pattern captured. */
  readonly parents: readonly string[];
  /** Requested by the CPU when the guest starts. */
  readonly on?: boolean;
  /** `rate`: rate and parent are the firmware's alone; `all`: enabling and disabling too. */
  readonly denied?: 'rate' | 'all';
} & ClockSource;

export type ClockSource =
  /** A crystal or a pin. */
  | { readonly kind: 'root'; readonly hz: number }
  /** Makes its own rate; settable where it has a range (in steps) or a list of rates. */
  | {
      readonly kind: 'generator';
      readonly hz: number;
      readonly min?: number;
      readonly max?: number;
      readonly step?: number;
      readonly rates?: readonly number[];
      /** The highest rate at the lowest voltage, where the clock scales with voltage. */
      readonly fmaxAtVmin?: number;
    }
  /** Divides its parent by `divisor`, which a rate chooses in fractions of 1/`grain`, from 1 to `most`. */
  | { readonly kind: 'divider'; readonly divisor: number; readonly grain: number; readonly most: number }
  /** Its parent's rate times `numerator`/`denominator`, for good. */
  | { readonly kind: 'ratio'; readonly numerator: number; readonly denominator: number }
  /** Its parent's rate; setting it sets the parent's. */
  | { readonly kind: 'gate' };

const MHZ = 1_000_000;
/** What a noise-aware loop of this chip counts in. */
const NAFLL_STEP = 12.75 * MHZ;

/** Data rates of the memory at its operating points, in kHz. */
export const MEMORY_RATES_KHZ = [204_000, 665_600, 2_133_000, 3_199_000] as const;

const root = (names: RegExp, mhz: number): ClockRule => ({
  names,
  parents: [],
  kind: 'root',
  hz: mhz * MHZ,
  on: true,
});

const fixed = (names: RegExp, mhz: number, parent = 'OSC'): ClockRule => ({
  names,
  parents: [parent],
  kind: 'generator',
  hz: mhz * MHZ,
});

const pll = (names: RegExp, mhz: number, min: number, max: number, parent = 'OSC'): ClockRule => ({
  ...fixed(names, mhz, parent),
  kind: 'generator',
  hz: mhz * MHZ,
  min: min * MHZ,
  max: max * MHZ,
  step: 1,
});

/** A voltage-scaled loop from `low` to `high` steps, at `low` when the guest starts. */
const nafll = (names: RegExp, low: number, high: number): ClockRule => ({
  names,
  parents: ['OSC'],
  kind: 'generator',
  hz: low * NAFLL_STEP,
  min: low * NAFLL_STEP,
  max: high * NAFLL_STEP,
  step: NAFLL_STEP,
  fmaxAtVmin: Math.floor((low + high) / 2) * NAFLL_STEP,
});

const ratio = (names: RegExp, parent: string, denominator = 1, numerator = 1): ClockRule => ({
  names,
  parents: [parent],
  kind: 'ratio',
  numerator,
  denominator,
});

const gate = (names: RegExp, ...parents: string[]): ClockRule => ({ names, parents, kind: 'gate' });

const divider = (names: RegExp, divisor: number, ...parents: string[]): ClockRule => ({
  names,
  parents,
  kind: 'divider',
  divisor,
  grain: 2,
  most: 256,
});

const on = (rule: ClockRule): ClockRule => ({ ...rule, on: true });
const denied = (what: 'rate' | 'all', rule: ClockRule): ClockRule => ({ ...rule, denied: what });

const memoryRates = MEMORY_RATES_KHZ.map((khz) => khz * 1000);

export const clockRules: readonly ClockRule[] = [
  // Where everything starts.
  root(/^OSC$/, 38.4),
  root(/^CLK_32K$/, 0.032768),
  root(/^I2S\d_SYNC_INPUT$/, 24.576),
  root(/^EQOS_RX_INPUT$/, 125),
  root(/^MGBE\d_RX_INPUT$/, 644.53125),
  root(/^MGBE\d_RX_PCS_INPUT$/, 156.25),
  root(/^(SOR_PAD|SOR_LINKA|DSI_PAD)_INPUT$/, 270),
  on(ratio(/^CLK_M$/, 'OSC', 2)),

  // PLLs and what comes straight out of them.
  on(fixed(/^PLLP$/, 408)),
  on(ratio(/^PLLP_OUT0$/, 'PLLP')),
  on(ratio(/^PLLP_DIV17$/, 'PLLP', 17)),
  on(ratio(/^PLLP_OUT_JTAG$/, 'PLLP', 2)),
  on(fixed(/^UTMIP_PLL$/, 960)),
  on(ratio(/^UTMIPLL_CLKOUT480$/, 'UTMIP_PLL', 2)),
  on(ratio(/^UTMIPLL_CLKOUT48$/, 'UTMIP_PLL', 20)),
  on(fixed(/^PLLREFE_VCOOUT$/, 625)),
  on(gate(/^PLLREFE_VCOOUT_GATED$/, 'PLLREFE_VCOOUT')),
  on(ratio(/^PLLE$/, 'PLLREFE_VCOOUT_GATED', 25, 4)),
  ratio(/^PLLE_HPS$/, 'PLLE'),
  on(fixed(/^PLLAON$/, 400)),
  pll(/^PLLA$/, 294.912, 200, 1_000),
  { ...divider(/^PLLA_OUT0$/, 6, 'PLLA'), kind: 'divider', divisor: 6, grain: 4, most: 64 },
  fixed(/^PLLA1$/, 600),
  ratio(/^PLLA1_OUT1$/, 'PLLA1', 2),
  pll(/^PLLC2?$/, 800, 300, 1_600),
  on(fixed(/^PLLC4$/, 1_600)),
  on(ratio(/^PLLC4_VCO_DIV2$/, 'PLLC4', 2)),
  ratio(/^PLLC4_OUT1$/, 'PLLC4', 3),
  ratio(/^PLLC4_OUT2$/, 'PLLC4', 5),
  on(gate(/^PLLC4_MUXED$/, 'PLLC4_VCO_DIV2', 'PLLC4_OUT1', 'PLLC4_OUT2')),
  fixed(/^PLLNVCSI$/, 1_200),
  fixed(/^PLLNVHS$/, 2_500),
  ratio(/^PLLNVHS_HPS$/, 'PLLNVHS', 8),
  fixed(/^PLLGBE$/, 1_250),
  ratio(/^PLLGBE_HPS$/, 'PLLGBE', 4),
  pll(/^PLLHUB$/, 800, 200, 1_600),
  pll(/^DISPPLL$/, 1_000, 100, 2_700),
  pll(/^DISPHUBPLL$/, 800, 100, 1_600),
  ratio(/^VPLL0_REF$/, 'OSC'),
  pll(/^VPLL0$/, 148.5, 25, 1_200, 'VPLL0_REF'),
  pll(/^VPLL1$/, 148.5, 25, 1_200),
  fixed(/^SPPLL[01]_VCO$/, 2_700),
  ratio(/^SPPLL(\d)_CLKOUT(?:PN|A|B)$/, 'SPPLL$1_VCO', 2),
  ratio(/^SPPLL0_DIV10$/, 'SPPLL0_VCO', 10),
  ratio(/^SPPLL0_DIV25$/, 'SPPLL0_VCO', 25),
  ratio(/^SPPLL(\d)_DIV27PN$/, 'SPPLL$1_VCO', 27),
  pll(/^DSIPLL_VCO$/, 1_200, 600, 2_400),
  ratio(/^DSIPLL_CLKOUT(?:PN|A)$/, 'DSIPLL_VCO', 2),
  fixed(/^UPHY_PLL3$/, 2_500, 'PLLE'),

  // The CPU's and the firmware's own loops: theirs alone.
  denied('all', on(nafll(/^NAFLL_(?:CLUSTER\d(?:_CORE|_DSU)?|DSU\d)$/, 9, 172))),
  denied('rate', on(nafll(/^NAFLL_(?:BPMP|AXICBB)$/, 16, 32))),
  denied('all', on(gate(/^BPMP_CPU$/, 'NAFLL_BPMP'))),
  denied('all', on(ratio(/^BPMP_CPU_NIC$/, 'NAFLL_BPMP', 2))),
  denied('rate', on(gate(/^AXI_CBB$/, 'NAFLL_AXICBB', 'PLLP_OUT0'))),

  // The GPU.
  nafll(/^NAFLL_(?:GPC\d|GPUSYS)$/, 9, 102),
  gate(/^GPC(\d)CLK$/, 'NAFLL_GPC$1'),
  gate(/^GPUSYS$/, 'NAFLL_GPUSYS', 'PLLP_OUT0', 'CLK_M'),
  ratio(/^GPU_PWR$/, 'PLLP_OUT0', 2),

  // The engines, each on a loop of its own.
  nafll(/^NAFLL_/, 9, 80),
  gate(/^(VIC|NVDEC|NVENC|NVJPG1?|TSEC|VI|ISP|SE|SEU1|OFA)$/, 'NAFLL_$1', 'PLLP_OUT0', 'CLK_M'),
  gate(/^(DLA[01]_(?:CORE|FALCON)|PVA0_VPS)$/, 'NAFLL_$1', 'PLLP_OUT0'),
  gate(/^PVA0_CPU_AXI$/, 'NAFLL_PVA0_CORE', 'PLLP_OUT0'),
  gate(/^(RCE|SCE|DCE)_CPU$/, 'NAFLL_$1', 'PLLP_OUT0', 'CLK_M'),
  ratio(/^(RCE|SCE|DCE)_CPU_NIC$/, '$1_CPU', 2),
  ratio(/^(RCE|SCE|DCE)_NIC$/, '$1_CPU', 4),
  ratio(/^FR_SE$/, 'SE'),
  ratio(/^FR_SEU1$/, 'SEU1'),
  divider(/^TSEC_PKA$/, 2, 'PLLP_OUT0', 'PLLC4_MUXED', 'CLK_M'),
  on(divider(/^HOST1X$/, 2, 'PLLP_OUT0', 'PLLC4_MUXED', 'CLK_M')),
  on(divider(/^ACTMON$/, 4, 'PLLP_OUT0', 'CLK_M', 'CLK_32K')),
  on(divider(/^FUSE(?:_SERIAL)?$/, 1, 'CLK_M', 'PLLP_OUT0')),
  gate(/^FUSE_BURN$/, 'CLK_M'),

  // Memory.
  { ...on(fixed(/^EMCSA_MPLL$/, 0)), kind: 'generator', hz: memoryRates.at(-1)!, rates: memoryRates },
  denied('rate', on(fixed(/^EMCS[BCD]_MPLL$/, 3_199))),
  on(gate(/^(EMCS[ABCD])_EMC$/, '$1_MPLL')),
  on(ratio(/^(EMCS[ABCD])_MC$/, '$1_MPLL', 2)),
  on(gate(/^EMC$/, 'EMCSA_EMC')),
  on(divider(/^(?:EMCHUB|MCHUB)$/, 1, 'PLLHUB', 'PLLP_OUT0')),

  // Display.
  gate(/^NVDISPLAY_P(\d)_REF$/, 'VPLL$1'),
  divider(/^NVDISPLAY_P(\d)$/, 1, 'VPLL$1', 'DISPPLL', 'SPPLL0_CLKOUTPN'),
  divider(/^DISP$/, 1, 'DISPPLL', 'OSC'),
  divider(/^HUB$/, 1, 'DISPHUBPLL', 'OSC'),
  divider(/^DSC$/, 2, 'DISPPLL', 'OSC'),
  ratio(/^RG(\d)$/, 'NVDISPLAY_P$1'),
  ratio(/^(RG\d|SOR\d)_M$/, '$1'),
  divider(/^DSI_(?:CORE|PIXEL)$/, 4, 'DSIPLL_CLKOUTPN', 'SPPLL0_DIV25', 'OSC'),
  divider(/^DSI_LP$/, 2, 'PLLP_OUT0', 'OSC'),
  divider(/^(?:SOR_SAFE|DP_LINK_REF)$/, 17, 'PLLP_OUT0', 'OSC'),
  gate(/^SOR(?:\d)_PLL_REF$/, 'OSC'),
  gate(/^PRE_SOR(\d)_REF$/, 'SPPLL$1_VCO', 'OSC'),
  gate(/^SOR(\d)_REF$/, 'PRE_SOR$1_REF', 'SOR_SAFE'),
  divider(/^PRE_SOR(\d)$/, 10, 'SPPLL$1_VCO', 'SOR_SAFE'),
  ratio(/^SOR0_DIV$/, 'SPPLL0_VCO', 10),
  gate(/^SOR(\d)$/, 'PRE_SOR$1', 'SOR_SAFE', 'SOR_PAD_INPUT'),
  gate(/^SOR_LINKA_AFIFO$/, 'SOR_LINKA_INPUT'),
  ratio(/^SOR_LINKA_AFIFO_M$/, 'SOR_LINKA_AFIFO'),
  divider(/^PRE_SF0$/, 10, 'SPPLL0_VCO', 'OSC'),
  gate(/^SF\d$/, 'PRE_SF0', 'OSC'),

  // Ethernet, USB, PCIe, UFS.
  ratio(/^(EQOS_RX|MGBE\d_RX_INPUT|MPHY_L0_[RT]X_SYMB|MPHY_L[01]_RX_ANA|PEX\d_C\d+_CORE)_M$/, '$1'),
  ratio(/^(I2S[78])_PAD_M$/, '$1'),
  gate(/^EQOS_(?:RX|MACSEC_RX)$/, 'EQOS_RX_INPUT'),
  ratio(/^EQOS_TX_DIVIDER$/, 'PLLREFE_VCOOUT', 5),
  gate(/^EQOS_(?:TX|MACSEC_TX)$/, 'EQOS_TX_DIVIDER', 'OSC'),
  divider(/^EQOS_(?:AXI|PTP_REF)$/, 3, 'PLLREFE_VCOOUT', 'PLLP_OUT0'),
  gate(/^MGBE(\d)_RX_PCS$/, 'MGBE$1_RX_PCS_INPUT'),
  ratio(/^MGBE(\d)_RX_PCS_M$/, 'MGBE$1_RX_PCS'),
  ratio(/^MGBE\d_(?:TX|TX_PCS|MAC_DIVIDER)$/, 'PLLGBE_HPS', 2),
  gate(/^MGBE(\d)_(?:MAC|MACSEC)$/, 'MGBE$1_MAC_DIVIDER'),
  divider(/^MGBE\d_(?:EEE_PCS|PTP_REF)$/, 1, 'PLLGBE_HPS', 'PLLP_OUT0'),
  divider(/^MGBE(?:S|\d)_APP$/, 1, 'PLLP_OUT0', 'PLLC4_MUXED'),
  ratio(/^UPHY_GBE_PLL2_(?:TX_REF|XDIG)$/, 'PLLGBE_HPS', 2),
  on(divider(/^XUSB_(?:CORE|FALCON|SS)(?:_\w+)?$/, 4, 'PLLP_OUT0', 'OSC', 'UTMIPLL_CLKOUT480')),
  on(divider(/^XUSB_(?:FS|HS)(?:_\w+)?$/, 1, 'UTMIPLL_CLKOUT48', 'OSC')),
  divider(/^USB2_TRK$/, 4, 'OSC', 'CLK_32K'),
  divider(/^PEX\d_C\d+_CORE$/, 1, 'PLLC4_OUT2', 'PLLP_OUT0', 'OSC'),
  gate(/^(?:PEX|NVHS|GBE)_.*(?:RX_BYP(?:_REF)?|MGMT)$/, 'OSC'),
  divider(/^UFS(?:HC|DEV_REF)$/, 2, 'PLLP_OUT0', 'OSC'),
  fixed(/^MPHY_CORE_PLL_FIXED$/, 208),
  gate(/^MPHY_.*RX_ANA$/, 'MPHY_CORE_PLL_FIXED'),
  divider(/^MPHY_(?:TX_1MHZ_REF|FORCE_LS_MODE)$/, 38, 'OSC', 'CLK_32K'),
  divider(/^MPHY_/, 4, 'MPHY_CORE_PLL_FIXED', 'OSC'),

  // Audio.
  gate(/^SYNC_(I2S\d)$/, '$1_SYNC_INPUT', 'PLLA_OUT0', 'AUD_MCLK'),
  gate(/^SYNC_(?:DMIC|DSPK)\d$/, 'PLLA_OUT0', 'AUD_MCLK', 'I2S1_SYNC_INPUT'),
  divider(/^((?:I2S|DSPK)\d|DMIC[1-4])$/, 16, 'PLLA_OUT0', 'SYNC_$1', 'CLK_M'),
  divider(/^DMIC5$/, 16, 'PLLA_OUT0', 'CLK_M'),
  divider(/^(?:AUD_MCLK|MAUD|AHUB)$/, 1, 'PLLA_OUT0', 'PLLP_OUT0', 'CLK_M'),
  divider(/^(?:APE|ADSP|ADSPNEON|ACLK|APB2APE)$/, 2, 'PLLA1_OUT1', 'PLLP_OUT0', 'CLK_M'),
  divider(/^AZA_\w+$/, 2, 'PLLA_OUT0', 'CLK_M'),

  // Peripherals of the host.
  on(divider(/^UART/, 3.5, 'PLLP_OUT0', 'OSC')),
  on(divider(/^(?:AON_APB|AON_NIC|AON_CPU_NIC|TSC|TSC_REF|SOC_THERM|TSENSE)$/, 2, 'PLLAON', 'OSC')),
  on(divider(/^(?:DBGAPB|CSITE|LA|JTAG_INTFC_PRE_CG)$/, 3, 'PLLP_OUT0', 'OSC')),
  on(divider(/^SDMMC/, 4, 'PLLC4_MUXED', 'PLLP_OUT0', 'CLK_M')),
  divider(/^AON_/, 4, 'PLLAON', 'OSC', 'CLK_M'),
  divider(/^CAN/, 2, 'PLLAON', 'OSC'),
  divider(/^(?:I2C|SPI|QSPI)/, 3, 'PLLP_OUT0', 'PLLC4_MUXED', 'CLK_M'),
  divider(/^PWM\d$/, 1, 'PLLP_OUT0', 'CLK_32K', 'CLK_M'),
  divider(/^(?:NVCSI|NVCSILP)$/, 2, 'PLLNVCSI', 'PLLP_OUT0', 'CLK_M'),

  // Whatever is left: an ordinary peripheral clock.
  divider(/./, 4, 'PLLP_OUT0', 'PLLC4_MUXED', 'OSC'),
];
