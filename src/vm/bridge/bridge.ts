import type { BridgeHandle } from '../../bpmp/worker/index.js';
import type { QemuCommand } from '../../qemu/index.js';

/** One VM's bridge, and what it changes about how QEMU is started. */
export interface VmBridge {
  /**
   * Resolves when it serves; rejects with why it cannot. QEMU may be started before that: it finds its sockets, and waits.
   */
  readonly ready: Promise<BridgeHandle>;
  readonly qemuArguments: readonly string[];
  /** The command that starts QEMU so that the bridge can stand in its way. */
  wrap(command: QemuCommand): QemuCommand;
  /** QEMU has inherited what it needed; our copies go. */
  spawned(): void;
}

/** Starts the bridge's thread with a bridge's own part of its configuration. */
export type Start<B> = (bridge: B) => Promise<BridgeHandle>;
