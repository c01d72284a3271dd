/**
 * Numbers of the BPMP protocol, after `include/soc/tegra/bpmp-abi.h` of Linux 7.2.
 */

/** Message request numbers, without their `MRQ_` prefix. */
export const Mrq = {
  PING: 0,
  QUERY_TAG: 1,
  THREADED_PING: 9,
  DEBUGFS: 19,
  RESET: 20,
  I2C: 21,
  CLK: 22,
  QUERY_ABI: 23,
  THERMAL: 27,
  CPU_VHINT: 28,
  ABI_RATCHET: 29,
  EMC_DVFS_LATENCY: 31,
  SHUTDOWN: 49,
  RINGBUF_CONSOLE: 65,
  PG: 66,
  CPU_NDIV_LIMITS: 67,
  STRAP: 68,
  UPHY: 69,
  CPU_AUTO_CC3: 70,
  QUERY_FW_TAG: 71,
  FMON: 72,
  EC: 73,
  DEBUG: 75,
  EMC_DVFS_EMCHUB: 76,
  BWMGR: 77,
  ISO_CLIENT: 78,
  EMC_DISP_RFL: 79,
  TELEMETRY: 80,
  PWR_LIMIT: 81,
  GEARS: 82,
  BWMGR_INT: 83,
  OC_STATUS: 84,
  C2C: 85,
  THROTTLE: 86,
  PWRMODEL: 87,
  PCIE: 88,
  PWR_CNTRL: 89,
  CR7: 90,
  SLC: 91,
  TELEMETRY_EX: 92,
  HWPM: 93,
  DVFS: 94,
  PPP_PROFILE: 95,
} as const;

/** Commands of MRQ_DEBUGFS. */
export const DebugfsCommand = {
  READ: 1,
  WRITE: 2,
  DUMPDIR: 3,
} as const;

/** Commands of MRQ_RESET. */
export const ResetCommand = {
  ASSERT: 1,
  DEASSERT: 2,
  MODULE: 3,
  GET_MAX_ID: 4,
} as const;

/** Commands of MRQ_I2C. */
export const I2cCommand = {
  XFER: 1,
} as const;

/** Commands of MRQ_CLK. */
export const ClkCommand = {
  GET_RATE: 1,
  SET_RATE: 2,
  ROUND_RATE: 3,
  GET_PARENT: 4,
  SET_PARENT: 5,
  IS_ENABLED: 6,
  ENABLE: 7,
  DISABLE: 8,
  GET_ALL_INFO: 14,
  GET_MAX_CLK_ID: 15,
  GET_FMAX_AT_VMIN: 16,
} as const;

/** Commands of MRQ_THERMAL. */
export const ThermalCommand = {
  QUERY_ABI: 0,
  GET_TEMP: 1,
  SET_TRIP: 2,
  GET_NUM_ZONES: 3,
  GET_THERMTRIP: 4,
  HOST_TRIP_REACHED: 100,
} as const;

/** Commands of MRQ_RINGBUF_CONSOLE. */
export const RingbufConsoleCommand = {
  QUERY_ABI: 0,
  READ: 1,
  WRITE: 2,
  GET_FIFO: 3,
} as const;

/** Commands of MRQ_PG. */
export const PgCommand = {
  QUERY_ABI: 0,
  SET_STATE: 1,
  GET_STATE: 2,
  GET_NAME: 3,
  GET_MAX_ID: 4,
} as const;

/** Commands of MRQ_STRAP (0 is reserved). */
export const StrapCommand = {
  SET: 1,
} as const;

/** Commands of MRQ_UPHY. */
export const UphyCommand = {
  PCIE_LANE_MARGIN_CONTROL: 1,
  PCIE_LANE_MARGIN_STATUS: 2,
  PCIE_EP_CONTROLLER_PLL_INIT: 3,
  PCIE_CONTROLLER_STATE: 4,
  PCIE_EP_CONTROLLER_PLL_OFF: 5,
  DISPLAY_PORT_INIT: 6,
  DISPLAY_PORT_OFF: 7,
  XUSB_DYN_LANES_RESTORE: 8,
  LANE_EOM_SCAN: 9,
  PCIE_CONFIG_VDM: 10,
} as const;

/** Commands of MRQ_FMON. */
export const FmonCommand = {
  GEAR_CLAMP: 1,
  GEAR_FREE: 2,
  GEAR_GET: 3,
  FAULT_STS_GET: 4,
} as const;

/** Commands of MRQ_EC. */
export const EcCommand = {
  STATUS_GET: 1,
  STATUS_EX_GET: 2,
} as const;

/** Commands of MRQ_DEBUG. */
export const DebugCommand = {
  OPEN_RO: 0,
  OPEN_WO: 1,
  READ: 2,
  WRITE: 3,
  CLOSE: 4,
} as const;

/** Commands of MRQ_BWMGR. */
export const BwmgrCommand = {
  QUERY_ABI: 0,
  CALC_RATE: 1,
} as const;

/** Commands of MRQ_ISO_CLIENT. */
export const IsoClientCommand = {
  QUERY_ABI: 0,
  CALCULATE_LA: 1,
  SET_LA: 2,
  GET_MAX_BW: 3,
} as const;

/** Commands of MRQ_PWR_LIMIT. */
export const PwrLimitCommand = {
  QUERY_ABI: 0,
  SET: 1,
  GET: 2,
  CURR_CAP: 3,
} as const;

/** Commands of MRQ_BWMGR_INT. */
export const BwmgrIntCommand = {
  QUERY_ABI: 1,
  CALC_AND_SET: 2,
  CAP_SET: 3,
  CURR_AVAILABLE_BW: 4,
  GET_LAST_REQUEST: 5,
} as const;

/** Commands of MRQ_C2C. */
export const C2cCommand = {
  QUERY_ABI: 0,
  START_INITIALIZATION: 1,
  GET_STATUS: 2,
  HOTRESET_PREP: 3,
  START_HOTRESET: 4,
} as const;

/** Commands of MRQ_THROTTLE. */
export const ThrottleCommand = {
  QUERY_ABI: 0,
  GET_CHIPTHROT_STATUS: 1,
  SET_OC_CONFIG: 2,
} as const;

/** Commands of MRQ_PWRMODEL. */
export const PwrmodelCommand = {
  QUERY_ABI: 0,
  PWR_GET: 1,
} as const;

/** Commands of MRQ_PCIE. */
export const PcieCommand = {
  EP_CONTROLLER_INIT: 0,
  EP_CONTROLLER_OFF: 1,
  RP_CONTROLLER_OFF: 100,
} as const;

/** Commands of MRQ_PWR_CNTRL. */
export const PwrCntrlCommand = {
  QUERY_ABI: 0,
  BYPASS_SET: 1,
  BYPASS_GET: 2,
} as const;

/** Commands of MRQ_CR7. */
export const Cr7Command = {
  QUERY_ABI: 0,
  ENTRY: 1,
  EXIT: 2,
} as const;

/** Commands of MRQ_SLC. */
export const SlcCommand = {
  QUERY_ABI: 0,
  BYPASS_SET: 1,
  BYPASS_GET: 2,
} as const;

/** Commands of MRQ_TELEMETRY_EX. */
export const TelemetryExCommand = {
  QUERY_ABI: 0,
  BASE_SZ_GET: 1,
} as const;

/** Commands of MRQ_HWPM. */
export const HwpmCommand = {
  QUERY_ABI: 1,
  IPMU_SET_TRIGGERS: 2,
  IPMU_SET_PAYLOADS_SHIFTS: 3,
  IPMU_GET_MAX_PAYLOADS: 4,
  NVTHERM_SET_SAMPLE_RATE: 5,
  NVTHERM_SET_BUBBLE_INTERVAL: 6,
  NVTHERM_SET_FLEX_CHANNELS: 7,
  ISENSE_GET_SENSOR_NAME: 8,
  ISENSE_GET_SENSOR_CHANNEL: 9,
  ISENSE_GET_SENSOR_SCALE_FACTOR: 10,
  ISENSE_GET_SENSOR_OFFSET: 11,
  ISENSE_GET_SUM_BLOCK_NAME: 12,
  ISENSE_GET_SUM_BLOCK_INPUTS: 13,
} as const;

/** Commands of MRQ_DVFS. */
export const DvfsCommand = {
  QUERY_ABI: 1,
  SET_CTRL_STATE: 2,
  SET_MGR_STATE: 3,
} as const;

/** Commands of MRQ_PPP_PROFILE, without `CMD_PPP_` as for the others. */
export const PppProfileCommand = {
  PROFILE_QUERY_ABI: 0,
  PROFILE_QUERY_MASKS: 1,
  CORE_QUERY_CPU_MASK: 2,
  AVAILABLE_QUERY: 3,
} as const;

/** Return codes of the firmware (`BPMP_E…`), negative as they are sent. */
export const BpmpError = {
  EPERM: -1,
  ENOENT: -2,
  ENOHANDLER: -3,
  EIO: -5,
  EBADCMD: -6,
  EAGAIN: -11,
  ENOMEM: -12,
  EACCES: -13,
  EFAULT: -14,
  EBUSY: -16,
  ENODEV: -19,
  EISDIR: -21,
  EINVAL: -22,
  ETIMEDOUT: -23,
  ERANGE: -34,
  ENOSYS: -38,
  EBADSLT: -57,
  ENODATA: -61,
  EBADMSG: -77,
  EOPNOTSUPP: -95,
  ENAVAIL: -119,
  ENOTSUP: -134,
  ENXIO: -140,
} as const;

/** What one message carries at the most, in bytes; the window and the host device have room for more. */
export const MESSAGE_DATA_SIZE = 120;

/** Flags of a clock in the reply to CLK GET_ALL_INFO. */
export const ClkFlag = {
  HAS_MUX: 0x1,
  HAS_SET_RATE: 0x2,
  IS_ROOT: 0x4,
  IS_VAR_ROOT: 0x8,
  RATE_PARENT_CHANGE_DENIED: 0x4000_0000,
  STATE_CHANGE_DENIED: 0x8000_0000,
} as const;

/** Bytes of a clock's name, its NUL included. */
export const CLK_NAME_SIZE = 40;
export const CLK_MAX_PARENTS = 16;

/** Bytes of a power domain's name, its NUL included. */
export const PG_NAME_SIZE = 40;

/** State of a power domain; RUNNING is Tegra186's alone. */
export const PgState = {
  OFF: 0,
  ON: 1,
  RUNNING: 2,
} as const;
