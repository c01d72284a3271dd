import type { Finding } from '../../finding.js';
import { comesIntoGroup } from '../behind-iommu.js';
import { buses } from '../bus.js';
import type { DeviceRequest } from '../device.js';
import { type GroupMember, type HostDevice, isVfioDriver, readGroup } from '../read.js';

/** Whether it has an IOMMU group: what VFIO gives away, and what holds a device's DMA in. */
export function checkGroup(device: HostDevice, sysroot: string): Finding {
  const { bus, name, group, path } = device;
  const about = { id: `vfio.group/${name}`, device: name };
  if (group !== null)
    return {
      ...about,
      status: 'ok',
      what: `${name} is in IOMMU group ${group}`,
      evidence: `${path}/iommu_group`,
    };
  const evidence = comesIntoGroup(device, sysroot);
  if (evidence !== undefined)
    return {
      ...about,
      status: 'ok',
      what: `${name} is behind an IOMMU, and comes into its group when it is bound`,
      evidence,
    };
  const mend =
    bus === 'platform'
      ? "give its node an `iommus` property in the host's device tree, and the kernel CONFIG_ARM_SMMU"
      : 'switch the IOMMU on: intel_iommu=on on the kernel command line, or AMD-Vi or SMMU in the firmware';
  return {
    ...about,
    status: 'fail',
    what: `${name} is in no IOMMU group`,
    evidence: `${path}/iommu_group is not there`,
    fix: mend,
  };
}

/** Whether the kernel will let the group go to a VM: nobody in it may be with a driver that does DMA for the host. */
export function checkViable(group: string, requests: readonly DeviceRequest[], sysroot: string): Finding {
  const members = readGroup(group, sysroot);
  const asked = ({ bus, name }: GroupMember) => requests.some((one) => one.bus === bus && one.name === name);
  const inTheWay = members.filter((member) => !asked(member) && !isAllowed(member, sysroot));
  const evidence =
    members.map(({ name, driver }) => `${name}: ${driver ?? 'no driver'}`).join(', ') ||
    `/sys/kernel/iommu_groups/${group}/devices is empty`;
  const about = { id: `vfio.viable/${group}` };
  if (inTheWay.length === 0)
    return { ...about, status: 'ok', what: `IOMMU group ${group} can be given to a VM`, evidence };
  const names = inTheWay.map(({ name, driver }) => `${name} (${driver})`).join(', ');
  const { name, bus, driver } = inTheWay[0]!;
  const list = bus === 'pci' ? 'pciDevices' : 'platformDevices';
  return {
    ...about,
    status: 'fail',
    what: `IOMMU group ${group} also has ${names} in use by the host`,
    evidence,
    fix: `add ${name} to ${list} of the VM file, or take it off its driver: echo ${name} > /sys/bus/${bus}/drivers/${driver}/unbind`,
  };
}

/** What the kernel puts up with in a group that is VFIO's. */
export function isAllowed(member: GroupMember, sysroot: string): boolean {
  const { bus, driver } = member;
  if (driver === null || isVfioDriver(driver)) return true;
  return (bus === 'pci' || bus === 'platform') && buses[bus].isHarmless(member, sysroot);
}
