import { VfioDevice } from '../../../../src/vfio/device/index.js';
import { Edu, fromEdu, MEMORY_AND_MASTER, setCommand, toEdu } from './edu.js';
import { command } from './in-process.js';
import { refusal, takeOver, using } from './opening.js';
import { driver, group, override, write } from './sysfs.js';

const EDU = '0000:00:10.0';
const E1000E = '0000:00:11.0';
/** One group: a network card that a driver of the host has, and an edu that none has. */
const CARD = '0000:00:13.0';
const SECOND_EDU = '0000:00:13.1';
const PATTERN = Uint8Array.from({ length: 128 }, (_, at) => (at * 5 + 1) & 0xff);

const look = (...names: string[]) =>
  Object.fromEntries(names.map((name) => [name, `${driver(name) ?? 'none'}, for ${override(name)?.trim()}`]));

/** Behind the SMMU by the host bridge's iommu-map; interrupts by way of the GIC's ITS. */
async function pci() {
  const before = { ...look(EDU, E1000E), group: group(EDU) };
  const bind = await command('devices', 'bind', EDU, E1000E);
  const bound = look(EDU, E1000E);
  const used = await using(VfioDevice.open(EDU), async (device) => {
    setCommand(device, MEMORY_AND_MASTER);
    const registers = device.region('bar0');
    const msi = device.enableInterrupt('msi');
    const events = [];
    for (let round = 1; round <= 3; round++) {
      registers.write(Edu.RAISE, 4, round);
      events.push(await msi.next(20_000));
      registers.write(Edu.ACKNOWLEDGE, 4, round);
    }
    const memory = device.allocate({ sizeBytes: 0x1000, iova: 0x100000n });
    memory.writeBytes(0, PATTERN);
    await toEdu(device, memory, 128);
    await fromEdu(device, memory.iova + 0x800n, 128);
    const equal = Buffer.from(memory.readBytes(0x800, 128)).equals(Buffer.from(PATTERN));
    return { id: registers.read(Edu.ID, 4), info: device.info, events, equal, iommu: device.space.iommu };
  });
  const reset = using(VfioDevice.open(E1000E), (device) => {
    device.reset();
    return { canReset: device.info.canReset, id: device.region('config').read(0, 4) };
  });
  const unbind = await command('devices', 'unbind');
  return { before, bind, bound, used, reset, unbind, after: look(EDU, E1000E) };
}

/** A part of a group is of no use: by gpuvm's checks, by the kernel's, and then all of it. */
async function sharedGroup() {
  const before = look(CARD, SECOND_EDU);
  const one = await command('devices', 'bind', SECOND_EDU);
  const afterOne = look(CARD, SECOND_EDU);
  takeOver(SECOND_EDU);
  const opened = refusal(() => VfioDevice.open(SECOND_EDU).dispose()) ?? null;
  const groups = [group(CARD), group(SECOND_EDU)];
  write('/sys/bus/pci/drivers/vfio-pci/unbind', SECOND_EDU);
  write(`/sys/bus/pci/devices/${SECOND_EDU}/driver_override`, '\n');
  const known = await command('devices', 'bind', SECOND_EDU);
  const all = await command('devices', 'bind', CARD, SECOND_EDU);
  const bound = look(CARD, SECOND_EDU);
  const id = using(VfioDevice.open(SECOND_EDU), (device) => {
    setCommand(device, MEMORY_AND_MASTER);
    return device.region('bar0').read(Edu.ID, 4);
  });
  const unbind = await command('devices', 'unbind');
  const after = look(CARD, SECOND_EDU);
  return { before, one, afterOne, opened, groups, known, all, bound, id, unbind, after };
}

export const pciCases = { pci, sharedGroup };
export type PciCases = { [Name in keyof typeof pciCases]: Awaited<ReturnType<(typeof pciCases)[Name]>> };
