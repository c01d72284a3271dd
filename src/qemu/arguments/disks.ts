import type { Disk } from '../../config/index.js';
import { type ArgumentContext, virtioDriver } from './context.js';
import { type OptionValue, options } from './option.js';
import { USB_BUS } from './usb.js';

const SCSI = 'scsi';

export function diskArguments(context: ArgumentContext): string[] {
  const { disks } = context.config;
  const needsScsi = disks.some((disk) => disk.interface === 'scsi');
  return [
    ...(needsScsi ? ['-device', options(virtioDriver('scsi', context.virtio), { id: SCSI })] : []),
    ...disks.flatMap((disk, index) => oneDisk(context, disk, index)),
  ];
}

function oneDisk(context: ArgumentContext, disk: Disk, index: number): string[] {
  const { format, readonly, cache, aio, discard } = disk;
  const id = `disk${index}`;
  const drive = (how: Record<string, OptionValue>) =>
    options('', {
      file: context.path(disk.file),
      ...how,
      format,
      readonly: readonly || undefined,
      cache,
      aio,
      discard,
    });
  // QEMU's short form, where it says all that is to be said.
  const isPlain = disk.serial === undefined && disk.bootIndex === undefined;
  if (disk.interface === 'virtio' && context.virtio === 'pci' && isPlain)
    return ['-drive', drive({ if: 'virtio' })];
  return ['-drive', drive({ if: 'none', id }), '-device', deviceOf(context, disk, id)];
}

function deviceOf({ virtio }: ArgumentContext, disk: Disk, id: string): string {
  const common = { drive: id, serial: disk.serial, bootindex: disk.bootIndex };
  switch (disk.interface) {
    case 'virtio':
      return options(virtioDriver('blk', virtio), common);
    case 'virtio-pci':
      return options(virtioDriver('blk', 'pci'), common);
    case 'virtio-mmio':
      return options(virtioDriver('blk', 'mmio'), common);
    case 'scsi':
      return options('scsi-hd', { bus: `${SCSI}.0`, ...common });
    case 'nvme':
      // QEMU makes none without a serial number.
      return options('nvme', { ...common, serial: disk.serial ?? id });
    case 'usb':
      return options('usb-storage', { bus: USB_BUS, ...common });
    case 'ide':
      return options('ide-hd', common);
  }
}
