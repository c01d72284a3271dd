import type { UsbDevice } from '../../config/index.js';
import type { ArgumentContext } from './context.js';
import { options } from './option.js';

const CONTROLLER = 'usb';
/** What the USB devices are plugged into. */
export const USB_BUS = `${CONTROLLER}.0`;

export function usbControllerArguments({ config: { usb, disks } }: ArgumentContext): string[] {
  const isNeeded = usb.length > 0 || disks.some((disk) => disk.interface === 'usb');
  return isNeeded ? ['-device', options('qemu-xhci', { id: CONTROLLER })] : [];
}

export function usbArguments({ config: { usb } }: ArgumentContext): string[] {
  return usb.flatMap((device) => ['-device', options('usb-host', { bus: USB_BUS, ...identity(device) })]);
}

function identity({ vendorId, productId, hostBus, hostPort, hostAddress }: UsbDevice) {
  return {
    vendorid: vendorId === undefined ? undefined : usbId(vendorId),
    productid: productId === undefined ? undefined : usbId(productId),
    hostbus: hostBus,
    hostport: hostPort,
    hostaddr: hostAddress,
  };
}

/** As lsusb prints it. */
function usbId(id: number): string {
  return `0x${id.toString(16).padStart(4, '0')}`;
}
