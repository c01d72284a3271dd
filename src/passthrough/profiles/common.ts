import { rule } from './define.js';
import type { PropertyRule } from './profile.js';

/** What no guest's node has, whatever the device; a profile's `keep` is stronger. */
export const droppedFromAll: readonly PropertyRule[] = [
  rule('iommus', "the SMMU is the host's: VFIO has set it up, and the guest sees none"),
  rule('iommu-map*', "the SMMU is the host's, and so are the streams of contexts"),
  rule('interconnects', "the memory controller is the host's: the guest has nobody to ask for bandwidth"),
  rule('interconnect-names', 'it names interconnects, which the guest has not'),
  rule('operating-points-v2', "frequencies and bandwidth together are the host's to choose"),
  rule('dmas', "the DMA controller is the host's"),
  rule('dma-names', 'it names channels of a DMA controller, which the guest has not'),
  rule('pinctrl-*', "pins are the host's: they stay as it has set them"),
  rule('*-supply', "regulators are the host's"),
  rule('nvidia,memory-controller', "the memory controller is the host's"),
  rule('nvidia,pmc', "the power management controller is the host's"),
  rule('memory-region*', "it is reserved in the host's memory, and those are no addresses of the guest's"),
  rule('interrupt-affinity', 'the CPUs are others'),
  rule('#cooling-cells', "the host's thermal zones cool it, not the guest's"),
  rule('thermal-sensors', "the sensors are the host's"),
  rule('wakeup-source', "what wakes up the board is the host's to say"),
  rule(
    'dma-coherent',
    'a guest that keeps its caches clean by itself is right whether the device looks into them or not',
  ),
];
