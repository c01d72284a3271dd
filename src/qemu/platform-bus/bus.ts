/** Where a build of QEMU has the machine `virt`'s platform bus and RAM. All addresses are guest-physical. */
export interface BusLayout {
  readonly base: bigint;
  /** In bytes. */
  readonly size: bigint;
  /** The first of the bus's shared interrupts, as a GIC's device tree counts them: SPI 112 is INTID 144. */
  readonly firstSpi: number;
  readonly spis: number;
  readonly ramBase: bigint;
}

/** A platform bus as one VM has it. */
export interface PlatformBus extends BusLayout {
  /** In bytes. Where the bus overlaps RAM this says how much of the overlap is taken. */
  readonly ramSize: bigint;
  /** The host's, in bytes: what is passed through is mapped in pages. */
  readonly pageSize: bigint;
}

/** QEMU as it is released: `base_memmap` and `a15irqmap` of hw/arm/virt.c, the same from 2.4 to 11.1. */
export const stockVirt: BusLayout = {
  base: 0x0c00_0000n,
  size: 0x0200_0000n,
  firstSpi: 112,
  spis: 64,
  ramBase: 0x4000_0000n,
};

/**
 * QEMU with the patch that adds `mmio-base` to vfio-platform: the bus begins where Tegra234 has its carve-outs, and
 * reaches 512 MiB into RAM.
 */
export const orinVirt: BusLayout = {
  base: 0x6000_0000n,
  size: 0x1f_c000_0000n,
  firstSpi: 112,
  spis: 64,
  ramBase: 0x20_0000_0000n,
};

/** One device of the bus, as its `-device` and the host's kernel make it. */
export interface BusDevice {
  /** What the host calls it: 17000000.gpu. */
  readonly host: string;
  /** The value of `mmio-base`, where it has one. */
  readonly mmioBase?: bigint | undefined;
  /** The size of each of its regions in bytes, in the order of its `reg`. */
  readonly regions: readonly bigint[];
  readonly interrupts: number;
}

export interface PlacedRegion {
  readonly address: bigint;
  readonly size: bigint;
}

/** What QEMU gives to a device, for its node in the guest's tree. */
export interface PlacedDevice {
  readonly host: string;
  readonly regions: readonly PlacedRegion[];
  readonly spis: readonly number[];
}
