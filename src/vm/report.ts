import type { BridgeEnded } from '../bpmp/worker/index.js';
import type { ProcessExit } from '../qemu/index.js';
import type { QmpEvents } from '../qmp/index.js';
import type { Ending } from './outcome.js';
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
