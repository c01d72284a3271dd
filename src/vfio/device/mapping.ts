import type { VfioMappingHandle } from '../../native/index.js';
import type { Holdings } from './holdings.js';
import type { RegionArea } from './info.js';
import { MappedBytes } from './mapped-bytes.js';

/** A part of a region, mapped into this process. It belongs to its device, and is disposed of with it. */
export class VfioMapping extends MappedBytes {
  /** Where it begins in the region. */
  readonly offset: bigint;
  /** A device that is in use by a part of it is not a forgotten one. */
  protected readonly device: object;

  constructor(handle: VfioMappingHandle, area: RegionArea, holdings: Holdings, device: object) {
    super(handle, area.sizeBytes, holdings);
    this.offset = area.offset;
    this.device = device;
  }
}
