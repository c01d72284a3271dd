import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type GuestOptions, startGuest } from './supervise.js';
import type { WorkerResult } from './worker.js';

const built = (name: string) =>
  fileURLToPath(new URL(`../../../../../build/Release/${name}`, import.meta.url));

/** The stand-in client, as a program and as something to preload; built with the addon. */
export const standin = built('gpuvm-standin');
export const standinPreload = built('gpuvm-standin-preload.so');
export const baseline = built('gpuvm-baseline');
/** A process with a bridge and the stand-in behind it. */
export const supervisorProcess = fileURLToPath(new URL('./supervisor-process.ts', import.meta.url));
export const isBuilt = [standin, standinPreload, baseline, built('gpuvm-exec')].every((path) =>
  existsSync(path),
);

/** What the stand-in prints of its transfers; times in ns. */
export interface Tally {
  readonly transfers: number;
  readonly denied: number;
  readonly wrong: number;
  readonly interrupted: number;
  readonly errors: Record<string, number>;
  readonly signals: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface StandinRun<Printed> extends WorkerResult {
  readonly printed: Printed;
}

/** Runs the stand-in behind a bridge, to the end of both. */
export async function runStandin<Printed = Tally>(
  args: readonly string[],
  options: GuestOptions,
): Promise<StandinRun<Printed>> {
  const guest = startGuest(standin, args, options);
  const { stdout, stderr, code, signal } = await guest.exited;
  const result = await guest.bridge.result;
  if (stdout === '') throw new Error(`the stand-in printed nothing: ${signal ?? code}, ${stderr}`);
  return { ...result, printed: JSON.parse(stdout) as Printed };
}
