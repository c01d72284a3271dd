import {
  type Device,
  Errno,
  type InterruptInfo,
  type InterruptSet,
  PciInterrupt,
  PciRegion,
  type Region,
  RequestError,
  type SharedAreas,
} from '../protocol/index.js';
import { CONFIG_SPACE_SIZE, ConfigSpace, type PciIdentity } from './config-space.js';
import { IntxInterrupt } from './intx.js';

const ABSENT: Region = { size: 0, readable: false, writable: false };
const NO_INTERRUPT: InterruptInfo = { flags: 0, count: 0 };

export interface PciDeviceOptions {
  readonly identity: PciIdentity;
  /** By BAR: the parts that the client may map. */
  readonly shared?: Readonly<Record<number, SharedAreas>>;
  /** The interrupt at INTA, where the device has one. A VMM may map no memory of such a device into its guest. */
  readonly intx?: IntxInterrupt;
}

/** A PCI device: configuration space and the interrupt's handling are done here, BARs are the subclass's. */
export abstract class PciDevice implements Device {
  readonly regions: readonly Region[];
  readonly interrupts: readonly InterruptInfo[];
  readonly #config: ConfigSpace;
  readonly #intx: IntxInterrupt | undefined;

  constructor({ identity, shared = {}, intx }: PciDeviceOptions) {
    this.#intx = intx;
    this.#config = new ConfigSpace(identity, intx === undefined ? 0 : 1);
    const regions: Region[] = Array.from({ length: PciRegion.COUNT }, () => ABSENT);
    identity.barSizes.forEach((size, bar) => {
      if (size === 0) return;
      const areas = shared[bar];
      regions[bar] = {
        size,
        readable: true,
        writable: true,
        ...(areas === undefined ? {} : { shared: areas }),
      };
    });
    regions[PciRegion.CONFIG] = { size: CONFIG_SPACE_SIZE, readable: true, writable: true };
    this.regions = regions;
    this.interrupts = Array.from({ length: PciInterrupt.COUNT }, (_, index) =>
      index === PciInterrupt.INTX && intx !== undefined ? IntxInterrupt.info : NO_INTERRUPT,
    );
  }

  /** As {@link Device.read}, of a BAR. */
  protected abstract readBar(bar: number, offset: number, into: Uint8Array): void;
  /** As {@link Device.write}, of a BAR. */
  protected abstract writeBar(bar: number, offset: number, data: Uint8Array): void | Promise<void>;
  protected abstract resetBars(): void;

  read(region: number, offset: number, into: Uint8Array): void {
    if (region === PciRegion.CONFIG) this.#config.read(offset, into);
    else this.readBar(region, offset, into);
  }

  write(region: number, offset: number, data: Uint8Array): void | Promise<void> {
    if (region === PciRegion.CONFIG) this.#config.write(offset, data);
    else return this.writeBar(region, offset, data);
  }

  setInterrupts(set: InterruptSet): void {
    if (this.#intx !== undefined && set.index === PciInterrupt.INTX) this.#intx.set(set);
    // Turning off what is not there is in order.
    else if (set.count > 0) throw new RequestError(Errno.EINVAL, 'the device has no such interrupt');
  }

  reset(): void {
    this.#config.reset();
    this.#intx?.reset();
    this.resetBars();
  }

  disconnected(): void {
    this.#intx?.close();
  }
}
