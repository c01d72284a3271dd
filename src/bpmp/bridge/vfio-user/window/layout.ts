import { GpuvmError } from '../../../../errors.js';
import { chooseSharing, type LayoutChoice, type LayoutHost } from '../library.js';
import { suggest, type WindowLayout, type WindowPlacement } from './placement.js';

/**
 * Chooses the window's layout: shared where its address straddles a page and the host's memory can be shared.
 * Throws GPUVM_CONFIG or GPUVM_KERNEL_FEATURE where `shared` is asked for and cannot be had.
 */
export function chooseLayout(
  wanted: WindowLayout | 'auto',
  placement: WindowPlacement,
  host: LayoutHost,
): LayoutChoice {
  if (wanted === 'trapped' || placement.straddles) return chooseSharing(wanted, host);
  const address = placement.barAddress + BigInt(placement.windowOffset);
  const why = `the window at 0x${address.toString(16)} does not straddle a page as ${suggest(address)} would`;
  if (wanted === 'auto') return { layout: 'trapped', reason: why };
  throw new GpuvmError('GPUVM_CONFIG', `layout shared: ${why}: use that address, or layout trapped`);
}
