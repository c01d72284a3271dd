import { defineProfile, lines, regions, resources, rule, stream, value } from '../define.js';

export const dce = defineProfile({
  name: 'dce',
  about: "DCE, the processor that runs the display's firmware",
  match: { compatible: ['nvidia,tegra234-dce'], nodes: ['dce'] },
  guest: { compatible: ['nvidia,tegra234-dce'] },
  host: { stream: stream('smmu_niso0 DCE', "as NVIDIA's tree has it") },
  known: {
    source: "NVIDIA's device tree of Jetson Linux 36.4, as the reference VM's overlay repeats it",
    regions: regions([0x0d80_0000n, 0x80_0000n]),
    interrupts: lines([376, 'wdt-remote'], [377, 'dce-sm0']),
    clocks: [],
    resets: [],
    powerDomains: [],
    unknown: [],
  },
});

export const display = defineProfile({
  name: 'display',
  about: 'the display controller',
  match: { compatible: ['nvidia,tegra234-display'], nodes: ['display'] },
  guest: {
    compatible: ['nvidia,tegra234-display'],
    // Its one child is there for its own stream of the SMMU.
    children: 'none',
    keep: [
      rule('nvidia,bpmp', "the driver asks the BPMP itself: the guest's own"),
      rule('nvidia,dce', 'the processor that runs its firmware, where the guest has that too'),
    ],
    drop: [
      rule('memory-region*', "the frame buffer that the firmware left is the host's"),
      rule('#sound-dai-cells', "the sound card is the host's"),
    ],
    add: [
      value('nvidia,bpmp', { bpmp: [] }, "as NVIDIA's tree has it"),
      value('non-coherent', { flag: true }, 'as the reference guest has it'),
      value('nvidia,num-dpaux-instance', { cells: [1] }, "as NVIDIA's tree has it"),
    ],
    companions: [
      {
        node: 'fuse@3810000',
        properties: {
          compatible: { strings: ['nvidia,tegra234-efuse'] },
          reg: { cells: [0, 0x0381_0000, 0, 0x1_0000] },
          status: { strings: ['disabled'] },
        },
        // The mainline's calls itself a Tegra for it, and follows a null pointer as the registers are not there.
        isForPatched: true,
        reason: "the display's driver looks for the fuses' node, which the reference guest has switched off",
      },
    ],
  },
  host: {
    stream: stream(
      'smmu_niso0 NVDISPLAY',
      'a device of VFIO is behind one SMMU, and the reference host has the display behind this one',
      true,
    ),
    drop: [rule('memory-region*', "the frame buffer stays the host's")],
    disable: [
      {
        node: 'chosen/framebuffer',
        reason: "the host's kernel would draw into the frame buffer that the firmware left",
      },
      {
        node: 'hda@3510000',
        reason:
          "the display's sound is in its power domain: on a host without the display an access to it is an error of the bus",
      },
    ],
  },
  known: {
    source: "NVIDIA's device tree of Jetson Linux 36.4, as the reference VM's overlay repeats it",
    regions: regions(
      [0x1380_0000n, 0xe_ffffn, 'nvdisplay'],
      [0x155c_0000n, 0xffffn, 'dpaux0'],
      [0x0242_c000n, 0x1000n, 'hdacodec'],
      [0x0399_0000n, 0x1_0000n, 'mipical'],
    ),
    interrupts: lines([416, 'nvdisplay'], [419, 'dpaux0'], [61, 'hdacodec']),
    clocks: [],
    resets: [],
    powerDomains: resources('DISP'),
    unknown: [
      'its clocks (about sixty) and resets in the order that its driver wants them',
      "nvidia,dcb-image, which describes the board's connectors",
    ],
  },
});
