import { GpuvmError } from '../../../../errors.js';
import { addon } from '../../../../native/index.js';

/** How a guest's accesses to a device's memory reach the server. */
export type Layout =
  /** Every access is a message. Right on every machine. */
  | 'trapped'
  /** The memory lies in pages that guest and server share. */
  | 'shared';

export interface LayoutChoice {
  readonly layout: Layout;
  /** Why, for people: part of what `doctor` and a start report print. */
  readonly reason: string;
}

/** What the choice depends on. */
export interface LayoutHost {
  /** As Node's `process.arch`. */
  readonly arch: string;
  readonly pageSize: number;
  /** Whether the addon maintains the data cache here. */
  readonly maintainsCache: boolean;
}

/** The page size that shared layouts are made for. */
export const SHARED_PAGE = 0x1000;

export function thisHost(): LayoutHost {
  const { maintainsCache } = addon();
  return { arch: process.arch, pageSize: addon().pageSize(), maintainsCache };
}

/**
 * Chooses whether memory is shared. The guest maps a device's page past the cache and this process through it. On x86
 * the two agree by the architecture, and so do they under emulation, where guest and server are both ordinary
 * processes; on arm64 they agree if the server cleans and invalidates the lines around each access, which the addon
 * does. Throws GPUVM_KERNEL_FEATURE where `shared` is asked for and cannot be had.
 */
export function chooseSharing(wanted: Layout | 'auto', host: LayoutHost): LayoutChoice {
  if (wanted === 'trapped') return { layout: 'trapped', reason: 'asked for' };
  if (host.pageSize !== SHARED_PAGE) {
    const why = `this host's pages are ${host.pageSize} bytes and the guest's ${SHARED_PAGE}`;
    if (wanted === 'auto') return { layout: 'trapped', reason: why };
    throw new GpuvmError('GPUVM_KERNEL_FEATURE', `layout shared: ${why}: use layout trapped`);
  }
  if (wanted === 'shared') return { layout: 'shared', reason: 'asked for' };
  if (host.arch === 'x64') return { layout: 'shared', reason: 'x86 keeps memory and caches coherent' };
  if (host.maintainsCache)
    return { layout: 'shared', reason: 'the data cache is maintained around each access' };
  return { layout: 'trapped', reason: `${host.arch} may need cache maintenance, which is not offered here` };
}
