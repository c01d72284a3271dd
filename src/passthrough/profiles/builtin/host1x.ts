import { defineProfile, lines, regions, resources, rule, stream, value } from '../define.js';

export const host1x = defineProfile({
  name: 'host1x',
  about: 'host1x, through which the engines are given work and wait for each other (syncpoints)',
  match: { compatible: ['nvidia,tegra234-host1x'], nodes: ['host1x', 'host1x_pt'] },
  guest: {
    compatible: ['nvidia,tegra234-host1x'],
    // Engines come by themselves, as devices of their own: those that the VM does not get have no business here.
    children: 'none',
    alias: 'host1x',
    add: [
      value('#address-cells', { cells: [2] }, "as in Linux's tegra234.dtsi"),
      value('#size-cells', { cells: [2] }, "as in Linux's tegra234.dtsi"),
      value('ranges', { cells: [0, 0x1480_0000, 0, 0x1480_0000, 0, 0x200_0000] }, 'where the engines are'),
    ],
  },
  host: {
    stream: stream('smmu_niso1 HOST1X', "as Linux's tegra234.dtsi has it"),
    drop: [
      rule('iommu-map*', "contexts are host1x's own affair, and a dummy has none"),
      rule('interconnects', 'a dummy asks for no bandwidth'),
      rule('interconnect-names', 'it names interconnects'),
    ],
  },
  known: {
    source:
      "Linux's tegra234.dtsi; the actmon region and clock are NVIDIA's own tree's, as the reference VM has them",
    regions: regions(
      [0x13e0_0000n, 0x1_0000n, 'common'],
      [0x13e1_0000n, 0x1_0000n, 'hypervisor'],
      [0x13e4_0000n, 0x1_0000n, 'vm'],
      [0x13ef_0000n, 0x6_0000n, 'actmon'],
    ),
    interrupts: lines(...Array.from({ length: 8 }, (_, index) => [448 + index, `syncpt${index}`] as const), [
      263,
      'host1x',
    ]),
    clocks: resources('HOST1X as host1x', 'ACTMON as actmon'),
    resets: [],
    powerDomains: [],
    unknown: [],
  },
});
