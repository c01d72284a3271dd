import { GpuvmError } from '../../../../errors.js';
import { WINDOW } from '../../../wire/index.js';
import { type Layout, SHARED_PAGE } from '../library.js';
import type { BarFact } from '../placement.js';

/**
 * How the window's accesses reach the server. In `shared` the 0x500 bytes before the MRQ register lie in a page that
 * guest and server share; the rest is trapped.
 */
export type WindowLayout = Layout;

/**
 * The window's PCI device, for whoever builds the VMM's arguments and the guest's tree.
 *
 * The ids are of the range that QEMU's docs/specs/pci-ids.rst leaves to anybody without registration; no driver
 * of Linux binds to them.
 */
export const WINDOW_DEVICE = {
  vendor: 0x1af4,
  device: 0x10f0,
  /** System peripheral, other. */
  classCode: 0x088000,
  bar: 0,
  /** Two pages, in both layouts, so that the window may straddle the boundary between them. */
  barSize: 0x2000,
} as const;

/** Where in the BAR the window must start for its MRQ register to be the first byte of the second page. */
export const STRADDLING_OFFSET = SHARED_PAGE - WINDOW.MRQ;

/** A guest-physical address that suits both layouts and lies in the 32-bit PCI window of QEMU's `virt` machine. */
export const DEFAULT_WINDOW_ADDRESS = 0x1080_0000n + BigInt(STRADDLING_OFFSET);

export interface WindowPlacement {
  /** What the guest's BAR 0 must be programmed to. */
  readonly barAddress: bigint;
  /** Where in the BAR the window starts. */
  readonly windowOffset: number;
  /** Whether the shared layout is possible at this address. */
  readonly straddles: boolean;
}

/**
 * Splits the window's guest-physical address (the tree's `virtual-pa`) into BAR and offset.
 * Throws GPUVM_CONFIG where the window would not fit or be aligned.
 */
export function placeWindow(guestAddress: bigint): WindowPlacement {
  const size = BigInt(WINDOW_DEVICE.barSize);
  const windowOffset = Number(guestAddress % size);
  const place = `window address 0x${guestAddress.toString(16)}`;
  if (guestAddress <= 0n) throw new GpuvmError('GPUVM_CONFIG', `${place}: it must be positive`);
  if (windowOffset % 8 !== 0) throw new GpuvmError('GPUVM_CONFIG', `${place}: it must be a multiple of 8`);
  if (windowOffset + WINDOW.SIZE > WINDOW_DEVICE.barSize) {
    throw new GpuvmError(
      'GPUVM_CONFIG',
      `${place}: the 0x600 bytes from there cross a multiple of 0x2000: use ${suggest(guestAddress)}`,
    );
  }
  return {
    barAddress: guestAddress - BigInt(windowOffset),
    windowOffset,
    straddles: windowOffset === STRADDLING_OFFSET,
  };
}

/** The nearest lower address that suits both layouts. */
export function suggest(guestAddress: bigint): string {
  const size = BigInt(WINDOW_DEVICE.barSize);
  return `0x${((guestAddress / size) * size + BigInt(STRADDLING_OFFSET)).toString(16)}`;
}

/** What the VMM's side must program for the window to be at `guestAddress`. Throws as {@link placeWindow}. */
export function windowBars(guestAddress: bigint = DEFAULT_WINDOW_ADDRESS): BarFact[] {
  const { vendor, device, bar, barSize: size } = WINDOW_DEVICE;
  return [{ vendor, device, bar, size, address: placeWindow(guestAddress).barAddress }];
}
