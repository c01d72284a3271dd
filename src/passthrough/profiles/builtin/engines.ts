import type { WrittenProfile } from '../define.js';
import { defineProfile, lines, regions, resources, rule, stream, value } from '../define.js';

/** What host1x's engines have in common. */
function engine(profile: WrittenProfile) {
  return defineProfile({
    ...profile,
    guest: { within: 'host1x', children: 'none', ...profile.guest },
    host: { outOf: 'host1x', ...profile.host },
  });
}

export const vic = engine({
  name: 'vic',
  about: 'VIC, which scales and converts images; an engine of host1x',
  match: { compatible: ['nvidia,tegra234-vic'], nodes: ['vic'] },
  guest: { compatible: ['nvidia,tegra234-vic'] },
  host: { stream: stream('smmu_niso1 VIC', "as Linux's tegra234.dtsi has it") },
  known: {
    source: "Linux's tegra234.dtsi",
    regions: regions([0x1534_0000n, 0x4_0000n]),
    interrupts: lines([206]),
    clocks: resources('VIC as vic'),
    resets: resources('VIC as vic'),
    powerDomains: resources('VIC'),
    unknown: [],
  },
});

export const nvdec = engine({
  name: 'nvdec',
  about: 'NVDEC, the video decoder; an engine of host1x',
  match: { compatible: ['nvidia,tegra234-nvdec'], nodes: ['nvdec'] },
  guest: {
    compatible: ['nvidia,tegra234-nvdec'],
    // Linux's own driver boots it with microcode whose offsets the firmware writes into the host's tree.
    status: 'as-host',
    drop: [
      rule(
        'nvidia,*-offset',
        "where the microcode lies in the host's memory: the guest has not got that memory",
      ),
    ],
  },
  host: { stream: stream('smmu_niso1 NVDEC', "as Linux's tegra234.dtsi has it") },
  known: {
    source: "Linux's tegra234.dtsi",
    regions: regions([0x1548_0000n, 0x4_0000n]),
    interrupts: [],
    clocks: resources('NVDEC as nvdec', 'FUSE as fuse', 'TSEC_PKA as tsec_pka'),
    resets: resources('NVDEC as nvdec'),
    powerDomains: resources('NVDEC'),
    unknown: ['where its microcode lies (nvidia,bl-manifest-offset and its like)'],
  },
});

export const nvjpg = engine({
  name: 'nvjpg',
  about: 'NVJPG, an encoder and decoder of JPEG images; an engine of host1x, of which the chip has two',
  match: { compatible: ['nvidia,tegra234-nvjpg'], nodes: ['nvjpg', 'nvjpg1'] },
  guest: {
    compatible: ['nvidia,tegra234-nvjpg'],
    add: [
      value(
        'nvidia,host1x-class',
        { cells: [7] },
        "the second NVJPG's class, which its driver needs to be told",
      ),
    ],
  },
  host: { stream: stream('smmu_niso0 NVJPG1', "as NVIDIA's tree has it") },
  known: {
    source:
      "NVIDIA's device tree of Jetson Linux 36.4, as the reference VM's overlay repeats it; this is NVJPG1",
    regions: regions([0x1554_0000n, 0x4_0000n]),
    interrupts: [],
    clocks: resources('NVJPG1 as nvjpg'),
    resets: resources('NVJPG1 as nvjpg'),
    powerDomains: resources('NVJPGB'),
    unknown: [],
  },
});
