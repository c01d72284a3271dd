import { wrapCommand } from '../../bpmp/bridge/interposed/index.js';
import type { InterposedConfig } from '../../bpmp/worker/index.js';
import type { BridgeChoice } from '../../config/index.js';
import { addon, Descriptor } from '../../native/index.js';
import type { QemuCommand } from '../../qemu/index.js';
import type { Start, VmBridge } from './bridge.js';

/** The first descriptor after stdin, stdout and stderr. */
const FIRST_EXTRA_FD = 3;

/** A patched QEMU's own use of the host device, by a wrapper around it. */
export async function openInterposed(
  { device }: Extract<BridgeChoice, { kind: 'interposed' }>,
  start: Start<InterposedConfig>,
  isTakenOver: boolean,
): Promise<VmBridge> {
  if (isTakenOver) {
    const handle = await start({ kind: 'interposed', devicePath: device });
    return {
      ready: Promise.resolve(handle),
      qemuArguments: [],
      wrap: (command) => command,
      spawned: () => {},
    };
  }
  const [ours, theirs] = addon().socketPair();
  const child = new Descriptor(theirs);
  try {
    const handle = await start({ kind: 'interposed', socketFd: ours, devicePath: device });
    const wrap = ({ command, args }: QemuCommand): QemuCommand => {
      const wrapped = wrapCommand(command, args, { socketFd: FIRST_EXTRA_FD });
      return { command: wrapped.file, args: wrapped.args, extraFds: [child.fd] };
    };
    return { ready: Promise.resolve(handle), qemuArguments: [], wrap, spawned: () => child.close() };
  } catch (error) {
    child.close();
    throw error;
  }
}
