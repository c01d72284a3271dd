import type { VmConfig } from '../config/index.js';
import { QemuProcess, qemuArguments, requireProgram } from '../qemu/index.js';
import { qemuAccount } from './account.js';
import type { VmBridge } from './bridge/index.js';
import { type Confinement, confine, confinementOf, reachNote } from './confine.js';
import type { RuntimeFolder } from './runtime-folder.js';

/** Where in the VM's folder QEMU listens. */
export const MONITOR = 'qmp';
export const AGENT = 'agent';

export interface SpawnOptions {
  readonly bridge: VmBridge | undefined;
  /** The guest's device tree, where it is another than the VM file's. */
  readonly dtb: string | undefined;
  readonly diesWithUs: boolean;
  /** Another process may take QEMU over; see `QemuProcess.start`. */
  readonly survives: boolean;
  onStderrLine(line: string): void;
  onNote(line: string): void;
}

/** Starts the VM's QEMU, its guest still waiting. Throws GPUVM_QEMU_START where it cannot be started. */
export async function spawnQemu(
  config: VmConfig,
  folder: RuntimeFolder,
  { bridge, dtb, diesWithUs, survives, onStderrLine, onNote }: SpawnOptions,
): Promise<QemuProcess> {
  const account = await qemuAccount(config);
  const confinement: Confinement = confinementOf(config, { account, diesWithUs });
  const note = reachNote(confinement);
  if (note !== undefined) onNote(note);
  const { binary } = config.qemu;
  const args = qemuArguments(config, {
    qmpPath: folder.file(MONITOR),
    bridge: bridge?.qemuArguments ?? [],
    dtb,
    guestAgentPath: config.guestAgent ? folder.file(AGENT) : undefined,
  });
  const bare = { command: binary, args };
  const command = confine(bridge?.wrap(bare) ?? bare, confinement);
  // A wrapper that does not find it would say so in its own words.
  if (command.command !== binary) requireProgram(binary);
  if (account !== undefined) await folder.giveTo(account);
  return QemuProcess.start(command, onStderrLine, { survives });
}
