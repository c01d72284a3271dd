import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Hook, Hooks } from '../config/index.js';
import { GpuvmError } from '../errors.js';

export type HookPoint = keyof Hooks;

export interface HookRun {
  readonly hook: HookPoint;
  readonly argv: readonly string[];
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  readonly durationMs: number;
}

/** A program that talks without end fills no log. */
const MAX_LINES = 100;
const MAX_LINE = 1000;

export interface HookOptions {
  /** On top of our own. */
  readonly environment: Readonly<Record<string, string>>;
  /** Kills it ahead of its deadline. */
  readonly signal?: AbortSignal;
  onLine(line: string): void;
}

/** Runs one hook to its end, or to its deadline, at which its whole process group is killed. Never rejects. */
export function runHook(
  point: HookPoint,
  { run: argv, deadline: deadlineMs }: Hook,
  { environment, signal: abort, onLine }: HookOptions,
): Promise<HookRun & { readonly problem?: string }> {
  const startedMs = performance.now();
  const [program, ...args] = argv;
  return new Promise((resolve) => {
    const child = spawn(program!, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that what it started goes with it.
      detached: true,
      env: { ...process.env, ...environment },
    });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup(child.pid);
    }, deadlineMs);
    const onAbort = () => killGroup(child.pid);
    abort?.addEventListener('abort', onAbort, { once: true });
    const print = limited(onLine);
    const readers = [child.stdout, child.stderr].map((stream) => readLines(stream, print));
    const finish = (status: number | null, signal: NodeJS.Signals | null, error?: Error) => {
      clearTimeout(timer);
      abort?.removeEventListener('abort', onAbort);
      for (const flush of readers) flush();
      child.stdout.destroy();
      child.stderr.destroy();
      const problem = error
        ? `cannot be started: ${error.message}`
        : timedOut
          ? `did not end within ${deadlineMs} ms and was killed`
          : signal !== null
            ? `was killed by ${signal}`
            : status !== 0
              ? `exited with status ${status}`
              : undefined;
      const durationMs = Math.round(performance.now() - startedMs);
      const run = { hook: point, argv, status, signal, timedOut, durationMs };
      resolve(problem === undefined ? run : { ...run, problem });
    };
    child.once('error', (error) => finish(null, null, error));
    // 'exit' and a moment for its last lines, not 'close': what it left in the background may hold the pipes for ever.
    child.once('exit', (status, signal) => setTimeout(finish, LAST_LINES_MS, status, signal));
  });
}

const LAST_LINES_MS = 20;

export function hookFailed({
  hook,
  argv,
  problem,
}: {
  hook: HookPoint;
  argv: readonly string[];
  problem: string;
}) {
  return new GpuvmError('GPUVM_HOOK', `the ${hook} hook ${argv.join(' ')} ${problem}`, {
    details: { hook, argv },
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    // Its leader is our child and not reaped yet, so the group's number cannot be anybody else's.
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone in this very moment.
  }
}

/** Returns what prints a last line without an end. */
function readLines(stream: Readable, print: (line: string) => void): () => void {
  let open = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const parts = (open + text).split(/\r?\n/);
    open = parts.pop()!.slice(0, MAX_LINE);
    for (const line of parts) if (line !== '') print(line.slice(0, MAX_LINE));
  });
  return () => {
    if (open !== '') print(open);
    open = '';
  };
}

function limited(print: (line: string) => void): (line: string) => void {
  let left = MAX_LINES;
  return (line) => {
    if (left-- > 0) print(line);
  };
}
