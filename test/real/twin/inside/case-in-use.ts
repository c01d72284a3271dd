import { ChildWriter, Journal, stateFolders } from '../../../../src/journal/index.js';
import { bindDevices, checkDevices, planBinding } from '../../../../src/vfio/index.js';
import { gpuvm, holder, probe } from './processes.js';
import { driver, group } from './sysfs.js';

/** A process has the group open, then only the device: who is named, and what becomes of giving it back. */
export async function inUse(name: string) {
  const folders = stateFolders();
  const request = { bus: 'pci', name } as const;
  const plan = await planBinding([request], { folders });
  const journal = await Journal.open({
    folder: folders.journal,
    vm: 'in-use',
    patienceMs: 500,
    // Nothing that comes back takes so long here; a write that hangs shall not take half a minute.
    writer: new ChildWriter({ deadlineMs: 5000 }),
  });
  const bound = await bindDevices(plan, journal);
  const number = group(name);

  const one = await holder(['--hold', number, name]);
  const second = await probe([number, name]);
  const findings = await checkDevices([request]);
  const listed = await gpuvm(['devices', 'list', '--json']);
  const refused = await journal.undo();
  const still = driver(name);
  await one.end();

  const other = await holder(['--hold-device', number, name]);
  const findingsOfDevice = await checkDevices([request]);
  const hung = await journal.undo();
  await other.end();
  const restored = await bound.restore();
  await journal.close();
  return {
    number,
    holder: one.pid,
    second,
    findings,
    listed,
    refused,
    still,
    deviceHolder: other.pid,
    findingsOfDevice,
    hung,
    restored,
    after: driver(name),
  };
}

export type InUse = Awaited<ReturnType<typeof inUse>>;
