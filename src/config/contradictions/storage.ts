import { type Complaints, isPc, isVirt } from './complain.js';

export function storageContradictions(complaints: Complaints): void {
  const { config } = complaints;
  const { disks, machine } = config;
  for (const [index, disk] of disks.entries()) {
    const at = (key: string) => ['disks', index, key];
    if (disk.aio === 'native' && disk.cache !== 'none' && disk.cache !== 'directsync')
      complaints.at(at('aio'), 'native needs cache: none or directsync');
    if (disk.interface === 'ide' && disk.readonly)
      complaints.at(at('readonly'), 'cannot be for an ide disk: QEMU has none that is read-only');
    if (disk.interface === 'ide' && isVirt(machine))
      complaints.at(at('interface'), `ide: QEMU's machine ${machine} has no IDE bus`);
    if (disk.interface === 'virtio-mmio' && isPc(machine) && !/\bmicrovm\b/.test(machine))
      complaints.at(at('interface'), `virtio-mmio: QEMU's machine ${machine} has no such bus`);
  }
  complaints.unique(
    disks,
    ({ bootIndex }) => bootIndex?.toString(),
    (index) => ['disks', index, 'bootIndex'],
  );
  oneWriter(complaints);
}

/** Two that write to one image spoil it; so do one that writes and one that believes it has not changed. */
function oneWriter(complaints: Complaints): void {
  const { disks, firmware } = complaints.config;
  const images = [
    ...(typeof firmware === 'object'
      ? [
          { file: firmware.code, readonly: true, path: ['firmware', 'code'] },
          { file: firmware.vars, readonly: false, path: ['firmware', 'vars'] },
        ]
      : []),
    ...disks.map(({ file, readonly }, index) => ({ file, readonly, path: ['disks', index, 'file'] })),
  ];
  for (const [index, image] of images.entries()) {
    const other = images.slice(0, index).find(({ file }) => file === image.file);
    if (!other || (other.readonly && image.readonly)) continue;
    complaints.at(image.path, `is ${image.file}, which is used twice, and written to: give each its own`);
  }
}
