import { defineProfile, lines, regions, resources, rule, stream, value } from '../define.js';

export const gpu = defineProfile({
  name: 'gpu',
  about: 'the GPU (GA10B), a device of its own beside host1x',
  match: { compatible: ['nvidia,ga10b'], nodes: ['gpu'] },
  guest: {
    compatible: ['nvidia,ga10b'],
    keep: [
      rule(
        'dma-coherent',
        'nvgpu chooses by it how memory is mapped for the GPU, and the GPU looks into the caches',
      ),
      rule('nvidia,bpmp', "nvgpu reads the chip's state through the BPMP: the guest's own"),
    ],
    add: [
      value('nvidia,bpmp', { bpmp: [] }, "as NVIDIA's tree has it"),
      value('dma-coherent', { flag: true }, "as NVIDIA's tree has it"),
    ],
  },
  host: {
    stream: stream(
      'smmu_niso0 PASSTHROUGH',
      "the GPU's node has no stream, and VFIO takes no device without an IOMMU group",
    ),
  },
  known: {
    source: "NVIDIA's device tree of Jetson Linux 36.4, as the reference VM's overlay repeats it",
    regions: regions(
      [0x1700_0000n, 0x100_0000n],
      [0x1800_0000n, 0x100_0000n],
      // Of the fuse block's own neighbourhood; what nvgpu does with it is not published.
      [0x03b4_1000n, 0x1000n],
    ),
    interrupts: lines([68, 'stall0'], [70, 'stall1'], [71, 'stall2'], [67, 'nonstall']),
    clocks: resources('GPUSYS as sysclk', 'GPC0CLK as gpc0clk', 'GPC1CLK as gpc1clk'),
    resets: resources('GPU'),
    powerDomains: resources('GPU'),
    unknown: [],
  },
});
