import { posix } from 'node:path';

/** Where every QEMU with the BPMP guest device opens its host device. */
export const DEVICE_PATH = '/dev/bpmp-host';

/**
 * True where an open asks for the mediated device. Spellings of the same absolute path count; a link to the device does
 * not, and is opened as the kernel finds it: whoever runs a VMM keeps the real device out of its reach.
 */
export function isDevice(path: Uint8Array, device: string): boolean {
  // Paths are bytes: as latin1 every byte is one character, whatever it is.
  return posix.normalize(latin1(path)) === latin1(Buffer.from(device));
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
