import { listGroups } from '../../../../src/vfio/index.js';
import { gpuvm, type Probe, probe, run } from './processes.js';
import { driver, group, override, write } from './sysfs.js';

/** What gpuvm says of a group, beside what the kernel says and does. */
interface Judged {
  readonly drivers: readonly (string | null)[];
  readonly gpuvm: boolean;
  readonly kernel: Probe;
}

/** A group of several functions: what gpuvm says of it in each state, held against the kernel. */
export async function sharedGroup(members: readonly string[]) {
  const number = group(members[0]!);
  const last = members.at(-1)!;
  const before = members.map(driver);
  const one = await gpuvm(['devices', 'bind', '--json', last]);
  const judge = async (): Promise<Judged> => ({
    drivers: members.map(driver),
    gpuvm: listGroups().find((listed) => listed.group === number)!.viable,
    kernel: await probe([number, last]),
  });
  // What gpuvm refuses to do: to see that the kernel would not have had it.
  const forced = take(last, 'vfio-pci');
  const oneOfThree = await judge();
  // The host's drivers off the others, and a stub that the kernel knows to be harmless on one of them.
  const idle = members.slice(0, -1).map((name) => write(`/sys/bus/pci/drivers/${driver(name)}/unbind`, name));
  const othersIdle = await judge();
  await run('/run/twin/busybox', ['modprobe', 'pci-stub']);
  const stubbed = take(members[0]!, 'pci-stub');
  const withStub = await judge();
  const home = [
    ...giveBack(members[0]!, before[0]!),
    ...giveBack(members[1]!, before[1]!),
    ...giveBack(last, before[2]!),
  ];
  const all = await gpuvm(['devices', 'bind', ...members]);
  const allBound = await judge();
  const unbind = await gpuvm(['devices', 'unbind']);
  const after = members.map(driver);
  return {
    number,
    before,
    one,
    forced,
    oneOfThree,
    idle,
    othersIdle,
    stubbed,
    withStub,
    home,
    all,
    allBound,
    unbind,
    after,
  };
}

export type SharedGroup = Awaited<ReturnType<typeof sharedGroup>>;

function take(name: string, to: string): (string | null)[] {
  const folder = `/sys/bus/pci/devices/${name}`;
  return [
    driver(name) === null ? null : write(`${folder}/driver/unbind`, name),
    write(`${folder}/driver_override`, to),
    write('/sys/bus/pci/drivers_probe', name),
    driver(name) === to ? null : `is with ${driver(name)}`,
  ];
}

function giveBack(name: string, to: string): (string | null)[] {
  const folder = `/sys/bus/pci/devices/${name}`;
  return [
    driver(name) === null ? null : write(`${folder}/driver/unbind`, name),
    override(name) === '(null)\n' ? null : write(`${folder}/driver_override`, '\n'),
    write(`/sys/bus/pci/drivers/${to}/bind`, name),
  ];
}
