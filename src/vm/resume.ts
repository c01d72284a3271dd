import { QemuProcess } from '../qemu/index.js';
import { stoppedEarly } from './failures.js';
import { findFds, type HandOver, type HandOverState } from './hand-over/index.js';
import { GONE_SOON_MS } from './monitor.js';
import type { RunParts } from './run-parts.js';
import { letGuestRun } from './start.js';
import { pause, within } from './waiting.js';

/** What a QEMU that cannot be gone on with may take to write out its disks. */
const TERMINATE_MS = 5_000;

/**
 * Goes on with a VM that runs: the bridge first, as the guest waits for nothing else. One whose bridge cannot go on is
 * ended, and one whose monitor does not answer: `onLost`.
 */
export async function resume(
  parts: RunParts,
  { fds }: HandOver,
  state: HandOverState,
  onLost: (why: string) => void,
): Promise<QemuProcess> {
  const { config, folder, bridge, monitor, stopping, abandon, tell } = parts;
  const found = findFds(fds, config.name);
  const takeOver = { fds: found.bridge, ...(state.bridge === undefined ? {} : { state: state.bridge }) };
  // Whoever calls `run` may begin to listen right after.
  await Promise.resolve();
  const qemu = QemuProcess.adopt(state.pid, found.qemu, (line) => tell.emit('stderr', line));
  parts.attach(qemu);
  try {
    await bridge.open(folder, { takeOver, signal: abandon.signal });
    const handle = await bridge.serving;
    handle?.guestProcess(qemu.pid);
  } catch (error) {
    // Its guest would wait for answers for ever, and the host's devices must not go back under it.
    qemu.signal('SIGTERM');
    await within(TERMINATE_MS, qemu.exited);
    throw error;
  }
  // A stop may have come meanwhile; its ladder goes on beside this.
  if (!stopping.isBegun) {
    parts.enter('qemu');
    parts.enter('monitor');
  }
  void qemu.exited.then(() => abandon.abort(stoppedEarly()));
  try {
    // One that has ended has its last words in the socket all the same.
    const signal = state.qmp === undefined ? abandon.signal : undefined;
    const left = { fd: found.monitor, state: state.qmp, seen: state.seen };
    const qmp = await monitor.adopt(left, qemu, signal);
    // To write to one that is gone would close the socket before those were read.
    await pause(1);
    if (!qemu.isRunning) return qemu;
    const { status } = await qmp.execute('query-status', {}, { signal });
    // The supervisor before was killed between QEMU's start and its guest's.
    if (status === 'prelaunch') await letGuestRun(parts, qmp, qemu);
    stopping.guestRuns = true;
    if (stopping.isBegun) return qemu;
    parts.enter('running');
    if (status === 'paused') tell.emit('paused', true);
  } catch (error) {
    // One that has ended meanwhile has an end to report like any other.
    await within(GONE_SOON_MS, qemu.exited);
    if (qemu.isRunning) onLost((error as Error).message);
  }
  return qemu;
}
