import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { shared } from './report.js';

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
}

export interface Surroundings {
  readonly env?: NodeJS.ProcessEnv;
  /** As this user and group, without capabilities. */
  readonly uid?: number;
  /** Through `sh`, with this limit of locked memory in KiB. */
  readonly memlockKib?: number | 'unlimited';
}

/** A process to its end. */
export function run(file: string, args: readonly string[], around: Surroundings = {}): Promise<Ended> {
  const started = performance.now();
  const child = start(file, args, around);
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]!.setEncoding('utf8').on('data', (chunk: string) => {
      said[name] += chunk;
    });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) =>
      resolve({ status, signal, ...said, tookMs: Math.round(performance.now() - started) }),
    );
  });
}

export function start(
  file: string,
  args: readonly string[],
  around: Surroundings = {},
  stdin: 'ignore' | 'pipe' = 'ignore',
): ChildProcess {
  const { uid, memlockKib, env } = around;
  const as = uid === undefined ? '' : `setpriv --reuid ${uid} --regid ${uid} --clear-groups `;
  const [program, ...rest] =
    memlockKib === undefined
      ? [file, ...args]
      : // By root, who may raise it too.
        ['sh', '-c', `ulimit -l ${memlockKib} && exec ${as}"$0" "$@"`, file, ...args];
  return spawn(program!, rest, {
    stdio: [stdin, 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    ...(uid === undefined || memlockKib !== undefined ? {} : { uid, gid: uid }),
  });
}

export const gpuvm = (args: readonly string[], around?: Surroundings) => run('gpuvm', args, around);

/** What the kernel's VFIO itself answers: vfio-probe.c says what is in it. */
export type Probe = Readonly<
  Record<
    | 'container'
    | 'group'
    | 'viable'
    | 'setContainer'
    | 'setIommu'
    | 'mapDma'
    | 'getDevice'
    | 'regions'
    | 'resettable'
    | 'mapRegion'
    | 'regionDma',
    number
  >
>;

const PROBE = join(shared, 'bin/vfio-probe');

export async function probe(args: readonly string[], around?: Surroundings): Promise<Probe> {
  const { stdout, stderr, status } = await run(PROBE, args, around);
  if (status !== 0) throw new Error(`vfio-probe ${args.join(' ')}: ${status} ${stderr}`);
  return JSON.parse(stdout) as Probe;
}

/** A process that keeps a group, or a device, open. */
export async function holder(
  args: readonly string[],
): Promise<{ probe: Probe; pid: number; end(): Promise<void> }> {
  const child = start(PROBE, args);
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout!.setEncoding('utf8').once('data', resolve);
    child.once('close', (status) => reject(new Error(`vfio-probe ended with ${status}`)));
  });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    probe: JSON.parse(line) as Probe,
    pid: child.pid!,
    async end() {
      child.kill('SIGKILL');
      await closed;
    },
  };
}
