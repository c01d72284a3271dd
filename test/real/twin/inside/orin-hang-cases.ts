import type { ChildProcess } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { hangingProcesses, recover, stateFolders } from '../../../../src/journal/index.js';
import { command } from './in-process.js';
import { busybox, DEVICES, driver, HANG, look, NEIGHBOUR } from './orin-host.js';
import { type Ended, gpuvm, run, start } from './processes.js';
import { names, text, write } from './sysfs.js';

const CONTROL = '/sys/kernel/debug/gpuvm-hang';
const DRIVER = '/sys/bus/platform/drivers/gpuvm-hang';

/** Gives the device to the driver that does not let go. */
function giveToHang(): void {
  const failed = busybox('modprobe', 'gpuvm-hang');
  if (failed !== null) throw new Error(failed);
  write(`${DEVICES}/${HANG}/driver_override`, 'gpuvm-hang');
  write('/sys/bus/platform/drivers_probe', HANG);
  if (driver(HANG) !== 'gpuvm-hang') throw new Error(`${HANG} is with ${driver(HANG)}`);
}

/** Without the driver, as it was. */
function takeFromHang(): void {
  write(`${CONTROL}/release`, '1');
  write('/sys/module/gpuvm_hang/parameters/hang', 'N');
  write(`${DRIVER}/unbind`, HANG);
  write('/sys/module/gpuvm_hang/parameters/hang', 'Y');
  write(`${DEVICES}/${HANG}/driver_override`, '\n');
  busybox('rmmod', 'gpuvm_hang');
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (const end = performance.now() + 120_000; !isSo(); await setTimeout(50))
    if (performance.now() > end) throw new Error(`${what}: not in two minutes`);
}

const isHanging = () => text(`${CONTROL}/status`)?.includes(`${HANG} hanging`) ?? false;
const released = () => until('it lets go', () => !isHanging());

/** A process that may never end: what it said within this time, or that it did not end. */
async function within(ms: number, ended: Promise<Ended>): Promise<Ended | 'it does not end'> {
  return Promise.race([ended, setTimeout(ms, 'it does not end' as const, { ref: false })]);
}

/** `gpuvm devices bind` killed while the kernel keeps its write, and recovered from: meanwhile, and after it. */
async function killedInHang() {
  giveToHang();
  const state = ['--state-dir', '/run/killed-in-hang'];
  const folders = stateFolders({ stateDir: state[1]! });
  const child: ChildProcess = start('gpuvm', ['devices', 'bind', NEIGHBOUR, HANG, ...state]);
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await until('the unbinding hangs', isHanging);
  child.kill('SIGKILL');
  // Its writer has its output still open.
  await Promise.race([gone, setTimeout(1000)]);
  const found = { neighbour: look([NEIGHBOUR]), hang: driver(HANG) };
  const meanwhile = {
    recovered: await recover({ folders, patienceMs: 500 }),
    neighbour: look([NEIGHBOUR]),
    // The kernel keeps whoever reads the device's driver_override now, out of reach of signals.
    listed: await within(60_000, gpuvm(['devices', 'list', ...state])),
    bind: await within(60_000, gpuvm(['devices', 'bind', HANG, ...state])),
  };
  write(`${CONTROL}/release`, '1');
  await released();
  const recovered = await recover({ folders });
  const after = { neighbour: look([NEIGHBOUR]), hang: look([HANG]), journals: names(folders.journal) };
  takeFromHang();
  return { found, meanwhile, recovered, after };
}

let waiting: { ended: Promise<Ended>; state: readonly string[] } | undefined;

/** Begins what is at its end in `deadline`: the other cases are made while it waits for the kernel. */
async function hangs() {
  giveToHang();
  const state = ['--state-dir', '/run/hangs'];
  waiting = { ended: run('gpuvm', ['devices', 'bind', NEIGHBOUR, HANG, ...state]), state };
  await until('the unbinding hangs', isHanging);
  return { status: text(`${CONTROL}/status`) };
}

/** The same gpuvm, which gave up by itself; then the driver lets go, and the host is put right. */
async function deadline() {
  const { ended, state } = waiting!;
  const bind = await within(300_000, ended);
  const found = {
    neighbour: look([NEIGHBOUR]),
    hang: driver(HANG),
    isHanging: isHanging(),
    processes: hangingProcesses().map(({ name, wait }) => `${name}: ${wait}`),
  };
  write(`${CONTROL}/release`, '1');
  await released();
  const recovered = await command('recover', ...state);
  const after = { neighbour: look([NEIGHBOUR]), hang: look([HANG]), journals: names('/run/hangs/journal') };
  takeFromHang();
  return { bind, found, recovered, after, unloaded: names('/sys/module/gpuvm_hang') };
}

/** `hangs` leaves what it began to `deadline`. */
export const hangCasesBefore = { killedInHang, hangs };
export const hangCases = { deadline };
type Cases = typeof hangCasesBefore & typeof hangCases;
export type HangCases = { [Name in keyof Cases]: Awaited<ReturnType<Cases[Name]>> };
