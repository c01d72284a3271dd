import type { VfioMappingHandle } from '../../native/index.js';
import type { Holdings } from './holdings.js';
import { MappedBytes } from './mapped-bytes.js';

/** What devices may do with memory. */
export type DmaAccess = 'read' | 'write' | 'both';

export interface MemoryRequest {
  /** A multiple of the IOMMU's page size and of the host's. */
  readonly sizeBytes: number | bigint;
  /** The address that devices reach it at. */
  readonly iova: number | bigint;
  /** Default: `both`. */
  readonly access?: DmaAccess;
}

/**
 * Memory that the devices of an address space reach at `iova`. Its pages stay where they are, and count against
 * RLIMIT_MEMLOCK. Disposing of it takes it from the devices first.
 */
export class VfioMemory extends MappedBytes {
  readonly iova: bigint;
  readonly access: DmaAccess;
  protected readonly space: object;

  constructor(
    handle: VfioMappingHandle,
    request: { readonly iova: bigint; readonly sizeBytes: bigint; readonly access: DmaAccess },
    holdings: Holdings,
    space: object,
  ) {
    super(handle, request.sizeBytes, holdings);
    this.iova = request.iova;
    this.access = request.access;
    this.space = space;
  }
}
