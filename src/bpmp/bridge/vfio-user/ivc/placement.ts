import type { BarFact } from '../placement.js';
import { SRAM_PAGE } from './abi.js';

/**
 * The two PCI devices, for whoever builds the VMM's arguments and the guest's tree. On QEMU's `virt` the INTA of slot 4
 * is SPI 3, level; the SRAM has no interrupt, because QEMU maps no memory of a device with INTx into the guest.
 */
export const IVC_DEVICES = {
  hsp: {
    vendor: 0x1af4,
    device: 0x10f1,
    /** System peripheral, other. */
    classCode: 0x088000,
    bar: 0,
    barSize: 0x10_0000,
    slot: 4,
    /** Guest-physical, unless told. */
    address: 0x1090_0000n,
  },
  sram: {
    vendor: 0x1af4,
    device: 0x10f2,
    classCode: 0x088000,
    bar: 0,
    /** The page that the guest sends in, then the one that it receives in. */
    barSize: 2 * SRAM_PAGE,
    slot: 5,
    address: 0x10a0_0000n,
  },
} as const;

/** Two pages of the HSP's BAR that stand for the chip's misc block: its id, and its straps, which read 0. */
export const IVC_MISC = { offset: 0xf_0000, pageSize: 0x1000 } as const;

/** The HSP's doorbell interrupt as the guest's tree names it: SPI 3 of the GIC, level. */
export const IVC_SPI = 3;

export interface IvcAddresses {
  readonly hsp?: bigint;
  readonly sram?: bigint;
}

/** What the VMM's side must program for the guest to find both devices. */
export function ivcBars(addresses: IvcAddresses = {}): BarFact[] {
  return (['hsp', 'sram'] as const).map((name) => {
    const { vendor, device, bar, barSize: size, address } = IVC_DEVICES[name];
    return { vendor, device, bar, size, address: addresses[name] ?? address };
  });
}
