import type { ProfileValue } from './profile.js';

/** A region of the guest's memory that is set aside, and for whom. */
export interface ReservedRegion {
  /** Of its node, without the unit address. */
  readonly name: string;
  readonly address: bigint;
  /** In bytes. `carve-out`: as much as the carve-out has from there on. */
  readonly size: bigint | 'carve-out';
  readonly compatible: readonly string[];
  /** The guest's kernel has no mapping of it. */
  readonly isKept: boolean;
  /** Linux lends it out until its owner wants it. */
  readonly isReusable: boolean;
  /** The pool of all devices that have none of their own. */
  readonly isDefaultPool: boolean;
  /** Its place among the `memory-region`s of /tegra-carveouts, from 0. */
  readonly carveoutIndex: number | undefined;
  /** More of its properties. */
  readonly properties: Readonly<Record<string, ProfileValue>>;
  readonly reason: string;
}

type Written = Pick<ReservedRegion, 'name' | 'address' | 'size' | 'compatible' | 'reason'> &
  Partial<ReservedRegion>;

const region = (written: Written): ReservedRegion => ({
  isKept: false,
  isReusable: false,
  isDefaultPool: false,
  carveoutIndex: undefined,
  properties: {},
  ...written,
});

const MIB = 1n << 20n;

/**
 * How the reference VM divides its carve-outs, at addresses that are the same on both sides. Those that lie in no
 * carve-out of a VM are left out of its tree.
 */
export const referenceRegions: readonly ReservedRegion[] = [
  region({
    name: 'nvgpu_dma_carveout',
    address: 0x8000_0000n,
    size: 128n * MIB,
    compatible: ['removed-dma-pool'],
    isKept: true,
    reason:
      "the GPU's own DMA, its firmware to begin with; the patched driver of the guest has this address in its code",
  }),
  region({
    name: 'linux,cma',
    address: 0x8800_0000n,
    size: 64n * MIB,
    compatible: ['shared-dma-pool'],
    isReusable: true,
    isDefaultPool: true,
    reason: 'DMA of devices that have no pool of their own: the DCE and others reach no other memory',
  }),
  region({
    name: 'vpr-carveout',
    address: 0x8c00_0000n,
    size: 16n * MIB,
    compatible: ['removed-dma-pool'],
    carveoutIndex: 1,
    reason: "NVIDIA's memory manager wants it defined",
  }),
  region({
    name: 'fsi-carveout',
    address: 0x8d00_0000n,
    size: 16n * MIB,
    compatible: ['removed-dma-pool'],
    isKept: true,
    carveoutIndex: 2,
    reason: "NVIDIA's memory manager wants it defined",
  }),
  region({
    name: 'vidmem-carveout',
    address: 0x9000_0000n,
    size: 128n * MIB,
    compatible: ['nvidia,vidmem-carveout'],
    isKept: true,
    carveoutIndex: 3,
    reason: "NVIDIA's memory manager wants it defined",
  }),
  region({
    name: 'gpu-carveout',
    address: 0x9800_0000n,
    size: 128n * MIB,
    compatible: ['nvidia,gpu_carveout'],
    isKept: true,
    carveoutIndex: 4,
    properties: { 'granule-size': { cells: [64] } },
    reason: "more of the GPU's DMA",
  }),
  region({
    name: 'generic_carveout',
    address: 0x1_0000_0000n,
    size: 'carve-out',
    compatible: ['nvidia,generic_carveout'],
    isKept: true,
    carveoutIndex: 0,
    reason: "the GPU's video memory",
  }),
];

/** Carve-outs that a device uses by itself, of which the guest's kernel is told nothing: by the host's name. */
export const untoldCarveOuts: readonly { readonly node: string; readonly reason: string }[] = [
  {
    node: 'vm_hs',
    reason: "host1x's syncpoints as memory: no RAM, and nothing that a driver looks for in the tree",
  },
  {
    node: 'vm_hs_p',
    reason: "host1x's syncpoints as memory: no RAM, and nothing that a driver looks for in the tree",
  },
];
