import type { BridgeHandle, NamedFd } from '../../bpmp/worker/index.js';
import type { QemuProcess } from '../../qemu/index.js';
import { QmpClient } from '../../qmp/index.js';
import { nameFds } from './descriptors.js';

interface PassedOn {
  /** Copies; the caller's. */
  readonly fds: readonly NamedFd[];
  readonly qmp: unknown;
  readonly bridge?: unknown;
}

/**
 * Lets go of the monitor, of the bridge, for which the guest waits from then on, and of QEMU's process, in this order. A
 * bridge that cannot let go keeps all of it here: `onKept` gets the monitor back.
 */
export async function passOn(
  qemu: QemuProcess,
  qmp: QmpClient,
  bridge: BridgeHandle | undefined,
  onKept: (qmp: QmpClient) => void,
): Promise<PassedOn> {
  const monitor = await qmp.detach();
  try {
    const passed = await bridge?.handOver();
    const process = qemu.detach();
    if (process === undefined) throw new Error('QEMU has ended meanwhile');
    const fds = nameFds({ qemu: process, monitor: monitor.fd, bridge: passed?.fds ?? [] });
    return { fds, qmp: monitor.state, ...(passed && { bridge: passed.state }) };
  } catch (error) {
    onKept(await QmpClient.adopt(monitor));
    throw error;
  }
}
