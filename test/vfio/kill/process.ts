import { createInterface } from 'node:readline';
import { Journal, recover, stateFolders } from '../../../src/journal/index.js';
import { bindDevices, type DeviceRequest, planBinding } from '../../../src/vfio/index.js';
import { FakeKernel } from '../fake-kernel.js';
import { Points } from './points.js';

/** What the process is to do with its life. */
export interface Orders {
  readonly act: 'run' | 'recover';
  readonly sysroot: string;
  readonly stateDir: string;
  readonly requests: readonly DeviceRequest[];
  /** The moment at which it is killed; -1 for none. */
  readonly killAt: number;
}

/** A supervisor without its VM: binds, has everything bound for a moment, gives back. It is started before it is needed. */
async function live({ act, sysroot, stateDir, requests, killAt }: Orders): Promise<Points> {
  const points = new Points(killAt);
  const folders = stateFolders({ stateDir });
  const kernel = points.writer(new FakeKernel(sysroot));
  const disk = points.disk();
  if (act === 'recover') {
    await recover({ folders, sysroot, disk, writer: () => kernel });
    return points;
  }
  const plan = await planBinding(requests, { sysroot, folders });
  const journal = await Journal.open({
    folder: folders.journal,
    vm: 'gpu-vm',
    sysroot,
    disk,
    writer: kernel,
  });
  const devices = await bindDevices(plan, journal);
  points.reach('bound');
  await devices.restore();
  await journal.close();
  return points;
}

createInterface({ input: process.stdin }).once('line', async (line) => {
  const points = await live(JSON.parse(line) as Orders);
  process.stdout.write(`${JSON.stringify(points.names)}\n`, () => process.exit(0));
});
