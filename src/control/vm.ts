import type { BpmpAnswer } from './bpmp-requests.js';
import type { BpmpStatus } from './bpmp-status.js';

/**
 * What the control socket needs of a running VM. The supervisor is one by its shape; nothing here knows of it, and
 * nothing of it knows of sockets.
 */

/** One thing that happened, as a line of `--events` has it: a name, a time (ISO 8601), the event's own fields. */
export interface VmEvent {
  readonly event: string;
  readonly time: string;
  readonly [field: string]: unknown;
}

/** Where a VM is and what it has done so far. It is sent as JSON: bigints become decimal text, bytes hexadecimal digits. */
export interface VmStatus {
  readonly name: string;
  /** The supervisor's own word: `running`, `paused`, `stopping` … */
  readonly state: string;
  /** When it came into this state, ISO 8601. */
  readonly since: string;
  /** The VM file it runs from. */
  readonly file?: string;
  /** QEMU's process; absent while there is none. */
  readonly pid?: number;
  readonly supervisorPid: number;
  /** How often QEMU was started anew after its first start. */
  readonly restarts: number;
  /** Since QEMU's last start; absent while there is none. */
  readonly uptimeMs?: number;
  /** The guest's BPMP requests so far, by verdict, where the VM has a bridge. */
  readonly bridge?: { readonly totals: Readonly<Record<string, number>> };
  /** The host's devices that the guest has, as the VM file names them. */
  readonly devices?: readonly string[];
  /** How the last run of QEMU ended: `guest-shutdown`, `crash` … */
  readonly ending?: string | { readonly ending: string; readonly message?: string };
}

/** The guest's console. */
export interface VmConsole {
  /** What was said last, as much as is kept (256 KiB). */
  recent(): Uint8Array;
  /** Calls `fn` with all that the guest says from now on; returns what ends that. `fn` never waits and never throws. */
  subscribe(fn: (chunk: Uint8Array) => void): () => void;
  /** Types into it. A promise is waited for before more is read from whoever types, so that nothing piles up. */
  write(data: Uint8Array): void | Promise<void>;
}

/** A VM as the control socket sees it. What a call cannot do now it refuses with an error of the catalogue. */
export interface ControlledVm {
  readonly name: string;
  /** The bridge's totals may have to be asked for, hence the promise. */
  status(): VmStatus | Promise<VmStatus>;
  /** What its bridge tells; refuses with GPUVM_VM_STATE where there is none. */
  bpmp?(): Promise<BpmpStatus>;
  /** Asks its BPMP as its guest would; refuses with GPUVM_VM_STATE where there is none. */
  bpmpRequest?(mrq: number, tx: Uint8Array): Promise<BpmpAnswer>;
  /**
   * Its guest's transfers as pcapng: those it still has, or the last so many, and where they are followed those that come.
   * Refuses with GPUVM_VM_STATE where there can be none.
   */
  captured?(options: {
    readonly follow: boolean;
    readonly recent?: number;
    readonly signal: AbortSignal;
  }): AsyncIterable<Uint8Array>;
  /** Its metrics for Prometheus, in the format that the Accept header asks for. */
  metrics?(accept?: string): Promise<{ readonly contentType: string; readonly body: string }>;
  /** Starts down the stop ladder; called again, goes on to the next rung at once. No restart follows. */
  stop(): void;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Resets the guest, as the reset button does. */
  reset(): Promise<void>;
  /** Executes a QMP command. Throws GPUVM_QMP_COMMAND with `details.class` where QEMU refuses it. */
  qmp(
    command: string,
    args?: Record<string, unknown>,
    options?: { readonly deadlineMs?: number },
  ): Promise<unknown>;
  readonly console: VmConsole;
  /** Calls `fn` with each event from now on; returns what ends that. `fn` never waits and never throws. */
  onEvent(fn: (event: VmEvent) => void): () => void;
  /** The last events, the oldest first. */
  recentEvents(): readonly object[];
  /** The last lines of QEMU's stderr and of the supervisor's notes, the oldest first. */
  logs(): readonly string[];
  /** Calls `fn` with each further line of `logs()`; returns what ends that. `fn` never waits and never throws. */
  onLog(fn: (line: string) => void): () => void;
}
