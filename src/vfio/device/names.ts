/** What kind of device it is, as VFIO has it. */
export type DeviceKind = 'pci' | 'platform' | 'amba' | 'other';

const PCI_REGIONS = ['bar0', 'bar1', 'bar2', 'bar3', 'bar4', 'bar5', 'rom', 'config', 'vga'];
const PCI_INTERRUPTS = ['intx', 'msi', 'msix', 'err', 'req'];

/** `bar0` … `config` of PCI functions, `region0` and on of everything else. */
export function regionName(kind: DeviceKind, index: number): string {
  return (kind === 'pci' ? PCI_REGIONS[index] : undefined) ?? `region${index}`;
}

/** `intx`, `msi`, `msix` of PCI functions, `irq0` and on of everything else. */
export function interruptName(kind: DeviceKind, index: number): string {
  return (kind === 'pci' ? PCI_INTERRUPTS[index] : undefined) ?? `irq${index}`;
}
