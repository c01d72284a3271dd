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

/** Commands of MRQ_PG. */
export const PgCommand = {
  QUERY_ABI: 0,
  SET_STATE: 1,
  GET_STATE: 2,
  GET_NAME: 3,
  GET_MAX_ID: 4,
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

/** Commands of MRQ_BWMGR_INT. */
export const BwmgrIntCommand = {
  QUERY_ABI: 1,
  CALC_AND_SET: 2,
  CAP_SET: 3,
  CURR_AVAILABLE_BW: 4,
  GET_LAST_REQUEST: 5,
} as const;

/** Commands of MRQ_ISO_CLIENT. */
export const IsoClientCommand = {
  QUERY_ABI: 0,
  CALCULATE_LA: 1,
  SET_LA: 2,
  GET_MAX_BW: 3,
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
