import type { BridgeEnded } from '../bpmp/worker/index.js';
import type { VmConfig } from '../config/index.js';
import type { ProcessExit, QemuProcess } from '../qemu/index.js';
import type { QmpEvents } from '../qmp/index.js';
import type { Seen } from './monitor-watch.js';
import type { Ending, Outcome } from './outcome.js';
import type { Rung } from './stop-ladder.js';

/** How a VM's run ended, as JSON would hold it. */
export interface EndReport {
  readonly vm: string;
  readonly ending: Ending;
  /** One sentence for people. */
  readonly message: string;
  /** The last rung of the stop ladder that was taken, where the VM was to stop. */
  readonly rung?: Rung;
  readonly qemu: ProcessExit;
  /** What QEMU's last SHUTDOWN event said. */
  readonly shutdown?: QmpEvents['SHUTDOWN'];
  /** The last lines of QEMU's stderr. */
  readonly stderr: readonly string[];
  /** What the guest still held at its end, and what became of it. */
  readonly release?: BridgeEnded['release'];
  /** Counters of the guest's requests. */
  readonly requests?: BridgeEnded['snapshot'];
  /** The bridge's last decisions, the oldest first. */
  readonly lastDecisions?: BridgeEnded['lastDecisions'];
  readonly durationMs: number;
}

interface RunFacts {
  readonly config: VmConfig;
  readonly qemu: QemuProcess;
  readonly exit: ProcessExit;
  readonly outcome: Outcome;
  readonly seen: Seen;
  readonly rung: Rung | undefined;
  readonly ended: BridgeEnded | undefined;
  /** Since the epoch. */
  readonly startedMs: number;
}

export function endReport(facts: RunFacts): EndReport {
  const { config, qemu, exit, outcome, seen, rung, ended, startedMs } = facts;
  return {
    vm: config.name,
    ...outcome,
    ...(rung ? { rung } : {}),
    qemu: exit,
    ...(seen.shutdown ? { shutdown: seen.shutdown } : {}),
    stderr: [...qemu.stderr.lines],
    ...(ended ? { release: ended.release, requests: ended.snapshot } : {}),
    ...(ended?.lastDecisions ? { lastDecisions: ended.lastDecisions } : {}),
    durationMs: Date.now() - startedMs,
  };
}

/** Of a VM that did not end: this supervisor's time with it did. */
export function handOverReport(config: VmConfig, qemu: QemuProcess, startedMs: number): EndReport {
  return {
    vm: config.name,
    ending: 'handed-over',
    message: 'the VM runs on, for another supervisor',
    qemu: { code: null, signal: null },
    stderr: [...qemu.stderr.lines],
    durationMs: Date.now() - startedMs,
  };
}
