import { release as kernelRelease } from 'node:os';
import type { RecentDecision, ReleaseReport } from '../../bpmp/mediator/index.js';
import type { ProcessExit } from '../../qemu/index.js';
import type { HistoryEvent } from '../history.js';
import type { HostUndone } from '../host-devices.js';
import type { EndReport } from '../report.js';

/** What is known of a run that ended badly; plain data, as the JSON file has it. */
export interface CrashReport {
  readonly version: 1;
  readonly vm: string;
  readonly file: string;
  /** When the run began and when it was over, ISO 8601. */
  readonly started: string;
  readonly ended: string;
  /** `start-failed` where QEMU never ran. */
  readonly ending: EndReport['ending'] | 'start-failed';
  readonly message: string;
  readonly restarts: number;
  readonly qemu?: ProcessExit;
  readonly rung?: string;
  readonly shutdown?: EndReport['shutdown'];
  readonly host: { readonly kernel: string; readonly node: string; readonly supervisorPid: number };
  /** States, rungs, QEMU's events and hooks, the oldest first. */
  readonly timeline: readonly HistoryEvent[];
  /** The bridge's last decisions, the oldest first. */
  readonly decisions: readonly RecentDecision[];
  readonly stderr: readonly string[];
  /** The last lines of the guest's console, printable. */
  readonly console: readonly string[];
  readonly undone: {
    /** What the guest held of the BPMP's. */
    readonly guest?: ReleaseReport;
    /** The host's devices; absent where they stay for the next run, or where there are none. */
    readonly host?: HostUndone;
  };
}

export interface Facts {
  readonly vm: string;
  readonly file: string;
  readonly startedMs: number;
  readonly restarts: number;
  readonly end?: EndReport | undefined;
  readonly error?: unknown;
  readonly timeline: readonly HistoryEvent[];
  readonly console: Uint8Array;
  readonly undone?: HostUndone | undefined;
}

const CONSOLE_LINES = 40;
const CONSOLE_LINE = 400;

export function crashReport(facts: Facts): CrashReport {
  const { vm, file, startedMs, restarts, end, error, timeline, undone } = facts;
  return {
    version: 1,
    vm,
    file,
    started: new Date(startedMs).toISOString(),
    ended: new Date().toISOString(),
    ending: end?.ending ?? 'start-failed',
    message: end?.message ?? (error instanceof Error ? error.message : String(error)),
    restarts,
    ...(end && { qemu: end.qemu }),
    ...(end?.rung && { rung: end.rung }),
    ...(end?.shutdown && { shutdown: end.shutdown }),
    host: { kernel: kernelRelease(), node: process.version, supervisorPid: process.pid },
    timeline,
    decisions: end?.lastDecisions ?? [],
    stderr: end?.stderr ?? stderrOf(error),
    console: lastLines(facts.console),
    undone: { ...(end?.release && { guest: end.release }), ...(undone && { host: undone }) },
  };
}

/** A QEMU that never ran has its last words in the error. */
function stderrOf(error: unknown): readonly string[] {
  const stderr = (error as { details?: { stderr?: unknown } } | undefined)?.details?.stderr;
  return Array.isArray(stderr) ? stderr.map(String) : [];
}

function lastLines(console: Uint8Array): string[] {
  const text = Buffer.from(console.subarray(-CONSOLE_LINES * CONSOLE_LINE)).toString('utf8');
  const lines = text.trimEnd().split(/\r?\n/).slice(-CONSOLE_LINES);
  if (lines.length === 1 && lines[0] === '') return [];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
  return lines.map((line) => line.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?').slice(0, CONSOLE_LINE));
}
