import { Mrq } from './abi.js';
import { abiRatchet, queryAbi } from './families/abi-info.js';
import { bwmgr, bwmgrInt, isoClient } from './families/bandwidth.js';
import { c2c } from './families/c2c.js';
import { clk } from './families/clk.js';
import { cpuAutoCc3, cpuNdivLimits, cpuVhint, gears } from './families/cpu.js';
import { cr7 } from './families/cr7.js';
import { debug } from './families/debug.js';
import { debugfs } from './families/debugfs.js';
import { dvfs } from './families/dvfs.js';
import { ec } from './families/ec.js';
import { emcDispRfl, emcDvfsEmchub, emcDvfsLatency } from './families/emc.js';
import { fmon } from './families/fmon.js';
import { hwpm } from './families/hwpm.js';
import { i2c } from './families/i2c.js';
import { ocStatus, throttle } from './families/overcurrent.js';
import { pcie } from './families/pcie.js';
import { pg } from './families/pg.js';
import { ping, threadedPing } from './families/ping.js';
import { pwrCntrl, pwrLimit, pwrmodel } from './families/power.js';
import { pppProfile } from './families/ppp-profile.js';
import { resetFamily } from './families/reset.js';
import { ringbufConsole } from './families/ringbuf-console.js';
import { shutdown } from './families/shutdown.js';
import { slc } from './families/slc.js';
import { strap } from './families/strap.js';
import { queryFwTag, queryTag } from './families/tag.js';
import { telemetry, telemetryEx } from './families/telemetry.js';
import { thermal } from './families/thermal.js';
import { uphy } from './families/uphy.js';
import type { CommandInfo, MrqInfo, MrqName } from './family.js';

/** A member for each name of `Mrq`: the compiler refuses a forgotten one. */
const byName: Readonly<Record<MrqName, MrqInfo>> = {
  PING: ping,
  QUERY_TAG: queryTag,
  THREADED_PING: threadedPing,
  DEBUGFS: debugfs,
  RESET: resetFamily,
  I2C: i2c,
  CLK: clk,
  QUERY_ABI: queryAbi,
  THERMAL: thermal,
  CPU_VHINT: cpuVhint,
  ABI_RATCHET: abiRatchet,
  EMC_DVFS_LATENCY: emcDvfsLatency,
  SHUTDOWN: shutdown,
  RINGBUF_CONSOLE: ringbufConsole,
  PG: pg,
  CPU_NDIV_LIMITS: cpuNdivLimits,
  STRAP: strap,
  UPHY: uphy,
  CPU_AUTO_CC3: cpuAutoCc3,
  QUERY_FW_TAG: queryFwTag,
  FMON: fmon,
  EC: ec,
  DEBUG: debug,
  EMC_DVFS_EMCHUB: emcDvfsEmchub,
  BWMGR: bwmgr,
  ISO_CLIENT: isoClient,
  EMC_DISP_RFL: emcDispRfl,
  TELEMETRY: telemetry,
  PWR_LIMIT: pwrLimit,
  GEARS: gears,
  BWMGR_INT: bwmgrInt,
  OC_STATUS: ocStatus,
  C2C: c2c,
  THROTTLE: throttle,
  PWRMODEL: pwrmodel,
  PCIE: pcie,
  PWR_CNTRL: pwrCntrl,
  CR7: cr7,
  SLC: slc,
  TELEMETRY_EX: telemetryEx,
  HWPM: hwpm,
  DVFS: dvfs,
  PPP_PROFILE: pppProfile,
};

/** Every MRQ of the ABI header by its number. */
export const mrqs: ReadonlyMap<number, MrqInfo> = new Map(
  Object.values(byName).map((info) => [info.number, info]),
);

/** How MRQs and commands are spelt by people: any case, `-` for `_`, and with or without the header's prefix. */
function canonical(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}

/** An MRQ by its name, such as `CLK`, `clk` or `MRQ_CLK`. */
export function mrqByName(name: string): MrqInfo | undefined {
  const wanted = canonical(name).replace(/^MRQ_/, '');
  return Object.hasOwn(Mrq, wanted) ? byName[wanted as MrqName] : undefined;
}

/** A command by its name, such as `SET_RATE`, `set-rate` or `CMD_CLK_SET_RATE`. */
export function commandByName(mrq: MrqInfo, name: string): CommandInfo | undefined {
  const wanted = canonical(name).replace(`CMD_${mrq.name}_`, '');
  return mrq.hasCommands ? mrq.commands.find((command) => command.name === wanted) : undefined;
}

/** A command by its number; number 0 for an MRQ without commands. */
export function commandOf(mrq: number, command: number): CommandInfo | undefined {
  return mrqs.get(mrq)?.commands.find(({ number }) => number === command);
}

/** The least bytes of a request, or undefined where the header has no such MRQ or command. */
export function minimumLength(mrq: number, command: number): number | undefined {
  return commandOf(mrq, command)?.minimum;
}
