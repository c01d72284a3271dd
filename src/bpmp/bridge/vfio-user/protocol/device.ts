/**
 * What is served. The protocol checks every request before it gets here: the region exists, the range is inside it,
 * the direction is allowed, the interrupt's index and range exist.
 */
export interface Device {
  /** By index; for PCI see {@link PciRegion}. A region of size 0 is absent. */
  readonly regions: readonly Region[];
  /** By index; for PCI see {@link PciInterrupt}. A kind with count 0 is absent. */
  readonly interrupts: readonly InterruptInfo[];
  /** Fills the whole of `into`, which is the caller's and holds zeros. May throw RequestError. */
  read(region: number, offset: number, into: Uint8Array): void;
  /**
   * `data` is valid until this returns. With a promise the access is answered, and the next one looked at, when it
   * has resolved; so a device sees accesses one at a time and in order. May throw RequestError.
   */
  write(region: number, offset: number, data: Uint8Array): void | Promise<void>;
  /** The guest asks for interrupts, masks or unmasks them. The event descriptors in `set` become the device's. */
  setInterrupts(set: InterruptSet): void;
  /** As at power-on; QEMU repeats it at every reset of the machine. */
  reset(): void;
  /** The client is gone: close what came from it. The device may be served to another one later. */
  disconnected(): void;
}

export interface Region {
  /** In bytes. */
  readonly size: number;
  readonly readable: boolean;
  readonly writable: boolean;
  /** The parts that the client may map, and the memory behind them. */
  readonly shared?: SharedAreas;
}

export interface SharedAreas {
  /** The memory's descriptor; it stays the device's. */
  readonly fd: number;
  /** Page-aligned, within the region; an area at `offset` lies at the same offset in the descriptor's memory. */
  readonly areas: readonly { readonly offset: number; readonly size: number }[];
}

export interface InterruptInfo {
  /** Bits of InterruptFlag. */
  readonly flags: number;
  /** How many interrupts of this kind there are. */
  readonly count: number;
}

export interface InterruptSet {
  readonly index: number;
  readonly start: number;
  readonly count: number;
  readonly action: 'mask' | 'unmask' | 'trigger';
  /**
   * `none`: do it to all of them (trigger with count 0: disable the index). `bool`: to those whose entry in `bools`
   * is not 0. `eventfd`: the descriptor at each place tells of the action from now on; without any, no longer.
   */
  readonly data: 'none' | 'bool' | 'eventfd';
  readonly bools: Uint8Array;
  readonly eventfds: readonly number[];
}

export const PciRegion = {
  BAR0: 0,
  BAR1: 1,
  BAR2: 2,
  BAR3: 3,
  BAR4: 4,
  BAR5: 5,
  ROM: 6,
  CONFIG: 7,
  VGA: 8,
  COUNT: 9,
} as const;

/**
 * The two kinds after these, error and request, are about real devices. QEMU does without where asking for them
 * fails, and warns where there are none of them, so they are not counted.
 */
export const PciInterrupt = { INTX: 0, MSI: 1, MSIX: 2, COUNT: 3 } as const;
