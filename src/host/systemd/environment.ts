/** What systemd told this process in its environment. */
export interface ServiceEnvironment {
  /** Where notifications go: a path, or "@name". */
  readonly notifySocket?: string;
  /** Names of the inherited descriptors 3, 4, … */
  readonly descriptorNames: readonly string[];
  /** How often the watchdog wants to be fed at the least. */
  readonly watchdogMs?: number;
}

const FIRST_DESCRIPTOR = 3;
export const descriptorAt = (index: number): number => FIRST_DESCRIPTOR + index;

/** More than systemd itself would ever pass: its own limit is FileDescriptorStoreMax, and ours is 64. */
const MAX_DESCRIPTORS = 4096;

const OURS = [
  'NOTIFY_SOCKET',
  'LISTEN_FDS',
  'LISTEN_PID',
  'LISTEN_FDNAMES',
  'LISTEN_PIDFDID',
  'WATCHDOG_USEC',
  'WATCHDOG_PID',
] as const;

/** Reads it, and takes it out of `env`, so that nothing started later believes that it was meant. */
export function takeEnvironment(env: NodeJS.ProcessEnv, pid: number): ServiceEnvironment {
  const read = readEnvironment(env, pid);
  for (const name of OURS) delete env[name];
  return read;
}

function readEnvironment(env: NodeJS.ProcessEnv, pid: number): ServiceEnvironment {
  const socket = env.NOTIFY_SOCKET;
  const watchdogUsec = wholeNumber(env.WATCHDOG_USEC);
  const isWatched = env.WATCHDOG_PID === undefined || wholeNumber(env.WATCHDOG_PID) === pid;
  return {
    ...(socket && /^[/@]./.test(socket) ? { notifySocket: socket } : {}),
    descriptorNames: wholeNumber(env.LISTEN_PID) === pid ? descriptorNames(env) : [],
    ...(watchdogUsec !== undefined && watchdogUsec > 0 && isWatched
      ? { watchdogMs: watchdogUsec / 1000 }
      : {}),
  };
}

function descriptorNames(env: NodeJS.ProcessEnv): string[] {
  const count = wholeNumber(env.LISTEN_FDS) ?? 0;
  if (count > MAX_DESCRIPTORS) return [];
  const names = env.LISTEN_FDNAMES?.split(':') ?? [];
  return Array.from({ length: count }, (_, index) => names[index] || 'unknown');
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
