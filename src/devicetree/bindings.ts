/**
 * How a property refers to nodes: which of its cells are phandles, and how many cells follow each.
 * `{ cells: '#clock-cells' }`: the node referred to says it by that property, with `otherwise` where it has none.
 * `{ cells: 3 }`: always so many. `'rest'`: one phandle, then numbers to the end.
 */
export type ReferenceBinding =
  | { readonly cells: string | number; readonly otherwise?: number }
  | { readonly cells: 'rest' }
  | { readonly table: 'iommu-map' | 'interrupt-map' };

/** By a property's name; see `referencesOf`. */
export type Bindings = (property: string) => ReferenceBinding | undefined;

type Row = readonly [pattern: RegExp, binding: ReferenceBinding];

const plain: ReferenceBinding = { cells: 0 };
const counted = (cells: string): ReferenceBinding => ({ cells });

/** By the specification and what Linux follows (drivers/of/property.c). */
const common: readonly Row[] = [
  [/^(clocks|assigned-clocks|assigned-clock-parents)$/, counted('#clock-cells')],
  [/^resets$/, counted('#reset-cells')],
  [/^power-domains$/, counted('#power-domain-cells')],
  [/^mboxes$/, counted('#mbox-cells')],
  [/^iommus$/, counted('#iommu-cells')],
  [/^interrupts-extended$/, counted('#interrupt-cells')],
  [/^interconnects$/, counted('#interconnect-cells')],
  [/^phys$/, counted('#phy-cells')],
  [/^dmas$/, counted('#dma-cells')],
  [/^pwms$/, counted('#pwm-cells')],
  [/^io-channels$/, counted('#io-channel-cells')],
  [/^io-backends$/, counted('#io-backend-cells')],
  [/^thermal-sensors$/, counted('#thermal-sensor-cells')],
  [/^cooling-device$/, counted('#cooling-cells')],
  [/^hwlocks$/, counted('#hwlock-cells')],
  [/^mux-controls$/, counted('#mux-control-cells')],
  [/^sound-dai$/, counted('#sound-dai-cells')],
  [/^nvmem-cells$/, { cells: '#nvmem-cell-cells', otherwise: 0 }],
  [/^msi-parent$/, { cells: '#msi-cells', otherwise: 0 }],
  [/^performance-domains$/, counted('#performance-domain-cells')],
  [/^power-controllers?$/, plain],
  [/^timestamps$/, counted('#timestamp-cells')],
  [/^gpio-ranges$/, { cells: 3 }],
  [/(^|-)gpios?$/, counted('#gpio-cells')],
  [/-supply$/, plain],
  [/^pinctrl-\d+$/, plain],
  [/^(interrupt-parent|phy-handle|pcs-handle|cpus?|trip|remote-endpoint|next-level-cache|l2-cache)$/, plain],
  [/^(memory-region|shmem|sram|operating-points-v2|nvmem|cpu-idle-states|ddc-i2c-bus)$/, plain],
  [/^(interrupt-affinity|dais|sfp)$/, plain],
  [/^(iommu-map|msi-map)$/, { table: 'iommu-map' }],
  [/^interrupt-map$/, { table: 'interrupt-map' }],
];

/** Of single bindings in Linux's Documentation/devicetree/bindings, where a tree of a Tegra234 has them. */
const vendors: readonly Row[] = [
  [/^nvidia,bpmp$/, { cells: 'rest' }],
  [/^nvidia,(host1x|memory-controller|xusb-padctl|gpio-controller|dce|pmc|tegra-rm)$/, plain],
  [/^snps,(axi-config|mtl-[rt]x-config)$/, plain],
];

/** The references that are known of. A tree itself does not tell, so one of a binding that is not here goes unseen. */
export const knownBindings: Bindings = (property) => {
  // Not a list of GPIOs but their names or numbers.
  if (/^(nr-gpios|#.*)$/.test(property)) return undefined;
  return [...common, ...vendors].find(([pattern]) => pattern.test(property))?.[1];
};

/** What is known, and before it bindings of one's own, by the property's whole name. */
export function withBindings(own: Readonly<Record<string, ReferenceBinding>>): Bindings {
  return (property) => (Object.hasOwn(own, property) ? own[property] : knownBindings(property));
}
