/** What an unpatched Linux asks of its BPMP while it starts, and what else its drivers can ask of every resource. */
import {
  ClkCommand,
  DebugCommand,
  Mrq,
  PgCommand,
  ResetCommand,
  ThermalCommand,
} from '../../../src/bpmp/wire/index.js';
import type { LinuxRules } from './linux-rules.js';
import { type Answer, clk, clkRate, words } from './request.js';

export type Transfer = (mrq: number, tx: Uint8Array, capacity: number) => Answer;

const DIRECTORY = 0x200;

/** Asks everything of `transfer`; returns the paths of the debug files. The rules see each answer through it. */
export function walk(transfer: Transfer, rules: LinuxRules): string[] {
  transfer(Mrq.PING, words(1), 4);
  for (let mrq = 0; mrq < 128; mrq++) transfer(Mrq.QUERY_ABI, words(mrq), 4);
  transfer(Mrq.QUERY_FW_TAG, new Uint8Array(), 32);
  walkThermal(transfer);
  walkClocks(transfer, rules);
  walkDomains(transfer);
  const resets = transfer(Mrq.RESET, words(ResetCommand.GET_MAX_ID, 0), 4).u32(0);
  if (resets < 100) throw new Error(`only ${resets} resets`);
  return walkDebug(transfer, '/');
}

function walkThermal(transfer: Transfer): void {
  for (let type = 0; type <= 4; type++) transfer(Mrq.THERMAL, words(ThermalCommand.QUERY_ABI, type), 4);
  const zones = transfer(Mrq.THERMAL, words(ThermalCommand.GET_NUM_ZONES), 4).u32(0);
  for (let zone = 0; zone < zones; zone++) {
    transfer(Mrq.THERMAL, words(ThermalCommand.GET_TEMP, zone), 4);
    transfer(Mrq.THERMAL, words(ThermalCommand.SET_TRIP, zone, 0, 95_000, 1), 0);
  }
}

function walkClocks(transfer: Transfer, rules: LinuxRules): void {
  const ask = (tx: Uint8Array, capacity: number) => transfer(Mrq.CLK, tx, capacity);
  const max = ask(clk(ClkCommand.GET_MAX_CLK_ID, 0), 4).u32(0);
  for (let id = 0; id <= max; id++) ask(clk(ClkCommand.GET_ALL_INFO, id), 113);
  for (const [id, clock] of rules.clocks) {
    if (clock === null) continue;
    ask(clk(ClkCommand.GET_RATE, id), 8);
    if (clock.parents.length > 0) ask(clk(ClkCommand.GET_PARENT, id), 4);
    ask(clk(ClkCommand.IS_ENABLED, id), 4);
    for (const hz of [0, 1, 25_000_000, 1_300_000_000, 2 ** 32, 2 ** 53]) {
      ask(clkRate(ClkCommand.ROUND_RATE, id, hz), 8);
      ask(clkRate(ClkCommand.SET_RATE, id, hz), 8);
    }
    for (const parent of clock.parents) ask(clk(ClkCommand.SET_PARENT, id, parent), 4);
    ask(clk(ClkCommand.ENABLE, id), 0);
    ask(clk(ClkCommand.IS_ENABLED, id), 4);
    ask(clk(ClkCommand.DISABLE, id), 0);
  }
}

function walkDomains(transfer: Transfer): void {
  const max = transfer(Mrq.PG, words(PgCommand.GET_MAX_ID, 0, 0), 40).u32(0);
  for (let id = 0; id <= max; id++) {
    transfer(Mrq.PG, words(PgCommand.GET_NAME, id, 0), 40);
    transfer(Mrq.PG, words(PgCommand.GET_STATE, id, 0), 40);
    for (const state of [1, 0]) transfer(Mrq.PG, words(PgCommand.SET_STATE, id, state), 0);
  }
}

/** Mirrors a directory of the debug tree as bpmp-debugfs does, and reads every file of it. */
function walkDebug(transfer: Transfer, path: string): string[] {
  const files: string[] = [];
  const listing = Buffer.from(readDebug(transfer, path));
  for (let at = 0; at < listing.length; ) {
    const attributes = listing.readUInt32LE(at);
    const end = listing.indexOf(0, at + 4);
    const name = listing.toString('latin1', at + 4, end);
    if (end < 0 || name === '') throw new Error(`the listing of ${path} is broken at ${at}`);
    at = end + 1;
    if (attributes & DIRECTORY) files.push(...walkDebug(transfer, `${path}${name}/`));
    else {
      readDebug(transfer, path + name);
      files.push(path + name);
    }
  }
  return files;
}

export function openDebug(path: string, command: number = DebugCommand.OPEN_RO): Uint8Array {
  const tx = new Uint8Array(120);
  new DataView(tx.buffer).setUint32(0, command, true);
  new TextEncoder().encodeInto(path, tx.subarray(4));
  return tx;
}

export function readDebug(transfer: Transfer, path: string): Uint8Array {
  const opened = transfer(Mrq.DEBUG, openDebug(path), 120);
  if (opened.ret !== 0) throw new Error(`${path}: ${opened.ret}`);
  const [fd, length] = [opened.u32(0), opened.u32(1)];
  const parts: Uint8Array[] = [];
  for (let left = length; left > 0; ) {
    const { rx, u32 } = transfer(Mrq.DEBUG, words(DebugCommand.READ, fd), 120);
    if (u32(0) === 0) throw new Error(`${path} ends early`);
    parts.push(rx.slice(4, 4 + u32(0)));
    left -= u32(0);
  }
  transfer(Mrq.DEBUG, words(DebugCommand.CLOSE, fd), 120);
  return Buffer.concat(parts);
}
