import type { Keep, NamedFd } from '../memory/keep.js';
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
  /**
   * Whether the device has an interrupt at INTA; see {@link PciDevice.isInterruptWanted}. A VMM may map no memory of such
   * a device into its guest: QEMU does not.
   */
  readonly hasInterrupt?: boolean;
  /** @internal Where its state outlives the process, with its name there. */
  readonly keep?: { readonly in: Keep; readonly name: string } | undefined;
}

/** A PCI device: configuration space and the interrupt's handling are done here, BARs are the subclass's. */
export abstract class PciDevice implements Device {
  readonly regions: readonly Region[];
  readonly interrupts: readonly InterruptInfo[];
  readonly #config: ConfigSpace;
  readonly #intx: IntxInterrupt | undefined;

  constructor({ identity, shared = {}, hasInterrupt = false, keep }: PciDeviceOptions) {
    const config = keep && { bytes: keep.in.bytes(CONFIG_SPACE_SIZE), goesOn: keep.in.goesOn };
    this.#config = new ConfigSpace(identity, hasInterrupt ? 1 : 0, config);
    if (hasInterrupt) this.#intx = new IntxInterrupt(() => this.isInterruptWanted(), keep);
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
      index === PciInterrupt.INTX && hasInterrupt ? IntxInterrupt.info : NO_INTERRUPT,
    );
  }

  /** As {@link Device.read}, of a BAR. */
  protected abstract readBar(bar: number, offset: number, into: Uint8Array): void;
  /** As {@link Device.write}, of a BAR. */
  protected abstract writeBar(bar: number, offset: number, data: Uint8Array): void | Promise<void>;
  /** As at power-on. */
  protected abstract resetBars(): void;

  /** The interrupt's level, asked when it may go up: whether the guest is to be interrupted as things are now. */
  protected isInterruptWanted(): boolean {
    return false;
  }

  /** To be called when {@link isInterruptWanted} may have become true. */
  protected updateInterrupt(): void {
    this.#intx?.update();
  }

  /** @internal After a former process, which may have died before it told the guest: tells it, perhaps again. */
  resumeInterrupt(): void {
    this.#intx?.resume();
  }

  /** @internal What a successor needs. */
  get descriptors(): NamedFd[] {
    return this.#intx?.descriptors ?? [];
  }

  /** How often the interrupt was raised, and how often the client said that the guest is through with it. */
  get interruptCounters(): { readonly interrupts: number; readonly unmasks: number } {
    return this.#intx?.counters ?? { interrupts: 0, unmasks: 0 };
  }

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
