import { GpuvmError } from '../errors.js';
import { escapeOption } from './arguments/index.js';
import { BOOT_STUB_CODE } from './boot-stub-code.js';

/** One BAR for the boot stub to program. */
export interface BarAddress {
  readonly vendor: number;
  readonly device: number;
  /** 0 to 5; a 32-bit memory BAR. */
  readonly bar: number;
  /** In bytes, a power of two. */
  readonly size: number;
  /** Guest-physical. */
  readonly address: bigint;
}

/**
 * Where in guest RAM the stub lies. RAM begins at 0x40000000 on QEMU's `virt` machine; QEMU puts its own boot code
 * there, 4 KiB of it at most, and a kernel no lower than 512 KiB further on (0x80000, or 2 MiB for an image that
 * names no offset); initrd and tree come behind the kernel. So the gap between is nobody's, however large the
 * machine, the kernel and the initrd are. (Should a later QEMU use it, it refuses to start: it checks for overlaps.)
 */
export const BOOT_STUB_ADDRESS = 0x4001_0000n;

/** The 32-bit memory window of `virt`'s PCI bridge; the last address in it included. */
export const PCI_WINDOW = { first: 0x1000_0000n, last: 0x3efe_ffffn } as const;

/**
 * The boot stub for these BARs, as bytes to be loaded at {@link BOOT_STUB_ADDRESS} (guest/boot-stub/boot-stub.S).
 * Throws GPUVM_CONFIG for an address outside the PCI window, not aligned to the BAR's size, or taken twice.
 */
export function bootStub(bars: readonly BarAddress[]): Uint8Array {
  checkBars(bars);
  const words = [...BOOT_STUB_CODE];
  for (const { vendor, device, bar, address } of bars) {
    words.push(((device << 16) | vendor) >>> 0, 0x10 + 4 * bar, Number(address));
  }
  words.push(0);
  const bytes = new Uint8Array(4 * words.length);
  const view = new DataView(bytes.buffer);
  for (const [i, word] of words.entries()) view.setUint32(4 * i, word, true);
  return bytes;
}

/** The argument pair that has CPU 0 start in the stub, at power-on and at every reset; `path` holds its bytes. */
export function bootStubArguments(path: string): string[] {
  return [
    '-device',
    `loader,file=${escapeOption(path)},addr=0x${BOOT_STUB_ADDRESS.toString(16)},force-raw=on,cpu-num=0`,
  ];
}

function checkBars(bars: readonly BarAddress[]): void {
  const { first, last } = PCI_WINDOW;
  bars.forEach(({ address, size, bar }, i) => {
    const place = `BAR address 0x${address.toString(16)}`;
    const end = address + BigInt(size) - 1n;
    if (bar < 0 || bar > 5) throw new GpuvmError('GPUVM_CONFIG', `${place}: there is no BAR ${bar}`);
    if (address < first || end > last) {
      throw new GpuvmError(
        'GPUVM_CONFIG',
        `${place}: outside the PCI window 0x${first.toString(16)} to 0x${last.toString(16)}: choose an address inside`,
      );
    }
    if (address % BigInt(size) !== 0n) {
      throw new GpuvmError(
        'GPUVM_CONFIG',
        `${place}: must be a multiple of the BAR's size, 0x${size.toString(16)}`,
      );
    }
    for (const other of bars.slice(0, i)) {
      if (address < other.address + BigInt(other.size) && other.address <= end) {
        throw new GpuvmError('GPUVM_CONFIG', `${place}: overlaps the BAR at 0x${other.address.toString(16)}`);
      }
    }
  });
}
