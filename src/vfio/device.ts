/** A device that a VM is to own, as it is asked for. */
export interface DeviceRequest {
  readonly bus: 'platform' | 'pci';
  /** As sysfs calls it: `17000000.gpu`, `0000:01:00.0`. */
  readonly name: string;
  /** The driver to bind it to. Default: the bus's, `vfio-platform` or `vfio-pci`, or what a quirk says. */
  readonly driver?: string;
  /** At the end of a run: back to the driver that it had, or left with VFIO. Default: `previous`. */
  readonly restore?: 'previous' | 'leave';
  /** Whether the VM must not run where the host has no way to reset it. False also keeps quiet about it. */
  readonly resetRequired?: boolean;
}

/** The part of a VM file that names devices. */
export interface DeviceLists {
  readonly platformDevices?: readonly {
    readonly host: string;
    readonly restore?: 'previous' | 'leave';
    readonly resetRequired?: boolean;
  }[];
  readonly pciDevices?: readonly { readonly host: string; readonly restore?: 'previous' | 'leave' }[];
  readonly restore?: 'previous' | 'leave';
}

/** A VM file's devices, in its order: platform, then PCI. */
export function deviceRequests(lists: DeviceLists): DeviceRequest[] {
  const { platformDevices = [], pciDevices = [], restore = 'previous' } = lists;
  return [
    ...platformDevices.map((device) => ({
      bus: 'platform' as const,
      name: device.host,
      restore: device.restore ?? restore,
      ...(device.resetRequired === undefined ? {} : { resetRequired: device.resetRequired }),
    })),
    ...pciDevices.map((device) => ({
      bus: 'pci' as const,
      name: device.host,
      restore: device.restore ?? restore,
    })),
  ];
}

/** What locks and journals call it: `platform/17000000.gpu`. */
export function subjectOf({ bus, name }: Pick<DeviceRequest, 'bus' | 'name'>): string {
  return `${bus}/${name}`;
}
