import { Twin, type TwinScript } from './twin.js';

export interface X86Run extends TwinScript {
  /** Whose kernel: bookworm has 6.1, trixie 6.12 with iommufd. Default: bookworm. */
  readonly release?: 'bookworm' | 'trixie';
  /** Whether its kernel uses the IOMMU. Default: on. */
  readonly iommu?: 'on' | 'off';
}

/** A script in an x86 host of its own with an IOMMU and PCI devices (docs/twins.md). */
export type X86Twin = Twin;

export const X86Twin = {
  run: ({ release = 'bookworm', iommu = 'on', ...run }: X86Run): Promise<Twin> =>
    Twin.run({ kind: 'x86', options: ['--release', release, '--iommu', iommu], ...run }),
};
