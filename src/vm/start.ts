import { writeFile } from 'node:fs/promises';
import type { QemuProcess } from '../qemu/index.js';
import type { QmpClient } from '../qmp/index.js';
import type { VmBridge } from './bridge/index.js';
import { endedAtOnce, stoppedEarly, whyItCouldNotStart } from './failures.js';
import { GONE_SOON_MS } from './monitor.js';
import { describeExit } from './outcome.js';
import type { RunParts } from './run-parts.js';
import { MONITOR, spawnQemu } from './spawn-qemu.js';
import { guestTree } from './tree/index.js';
import { unlessAborted, within } from './waiting.js';

/**
 * Brings a VM up: the bridge and the guest's tree, QEMU beside them, the monitor, and the guest's first instruction when
 * all is there. Throws what keeps it from running; one that is stopped meanwhile has an end like any other.
 */
export async function start(parts: RunParts): Promise<QemuProcess> {
  const { config, folder, monitor, stopping, abandon } = parts;
  const { bridge, dtb } = await prepare(parts);
  abandon.signal.throwIfAborted();
  parts.enter('qemu');
  const qemu = await spawn(parts, bridge, dtb);
  watchStart(parts, qemu);

  parts.enter('monitor');
  let qmp: QmpClient;
  try {
    qmp = await monitor.connect(folder.file(MONITOR), qemu, abandon.signal);
    await unlessAborted(parts.bridge.serving, abandon.signal);
  } catch (error) {
    if (stopping.isBegun) return qemu;
    // QEMU's exit shows on the socket first; its own last words are the better explanation.
    if (!abandon.signal.aborted) await within(GONE_SOON_MS, qemu.exited);
    throw abandon.signal.aborted ? await whyItCouldNotStart(abandon.signal.reason, config) : error;
  }
  await letGuestRun(parts, qmp, qemu);
  if (!stopping.isBegun) parts.enter('running');
  return qemu;
}

/** Lets the guest go; one whose file says `-S` waits for whoever asked for that, a debugger say. */
export async function letGuestRun(
  { config, options, stopping }: RunParts,
  qmp: QmpClient,
  qemu: QemuProcess,
): Promise<void> {
  try {
    if (options.resetEnds) await qmp.execute('set-action', { reboot: 'shutdown' });
    await options.beforeGuest?.(qmp, qemu);
    stopping.guestRuns = true;
    if (!config.extraArguments.includes('-S')) await qmp.execute('cont');
  } catch (error) {
    // A QEMU that is gone has an end to report like any other.
    await within(GONE_SOON_MS, qemu.exited);
    if (qemu.isRunning && !stopping.isBegun) throw error;
  }
}

interface Prepared {
  readonly bridge: VmBridge | undefined;
  /** The guest's tree, where it is not QEMU's own. */
  readonly dtb: string | undefined;
}

async function prepare({ config, folder, bridge, abandon, tell }: RunParts): Promise<Prepared> {
  const { signal } = abandon;
  const tree = guestTree(config, folder);
  const opened = await bridge.open(folder, { named: tree?.named, signal });
  if (tree === undefined) return { bridge: opened, dtb: undefined };
  const blob = await unlessAborted(
    tree.finish(async () => (await bridge.serving)?.ready.guest),
    signal,
  );
  const described = await tree.devices;
  if (described) {
    const { noteOf } = await import('./tree/devices.js');
    for (const finding of described.findings) tell.emit('note', noteOf(finding));
  }
  const dtb = folder.file('guest.dtb');
  await writeFile(dtb, blob);
  tell.emit('tree', blob);
  return { bridge: opened, dtb };
}

async function spawn(
  { config, options, folder, tell, attach }: RunParts,
  bridge: VmBridge | undefined,
  dtb: string | undefined,
): Promise<QemuProcess> {
  const { diesWithUs = false, survives = false } = options;
  const qemu = await spawnQemu(config, folder, {
    bridge,
    dtb,
    diesWithUs,
    survives,
    onStderrLine: (line) => tell.emit('stderr', line),
    onNote: (line) => tell.emit('note', line),
  });
  bridge?.spawned();
  attach(qemu);
  return qemu;
}

/** What ends the start: QEMU's exit, and a bridge that does not come up. */
function watchStart({ config, bridge, stopping, abandon }: RunParts, qemu: QemuProcess): void {
  void qemu.exited.then((exit) =>
    abandon.abort(stopping.isBegun ? stoppedEarly() : endedAtOnce(config, qemu, describeExit(exit))),
  );
  bridge.serving.then(
    (handle) => handle?.guestProcess(qemu.pid),
    (error: Error) => {
      if (!qemu.isRunning) return;
      const message = `the VM was stopped because its bridge did not come up: ${error.message}`;
      if (stopping.isBegun) stopping.fault = { ending: 'bridge-fault', message };
      else abandon.abort(error);
      // It waits for the bridge, and would for long.
      qemu.signal('SIGKILL');
    },
  );
}
