import type { VmConfig } from '../../config/index.js';

/** What the arguments of one part may need to know of the whole. */
export interface ArgumentContext {
  readonly config: VmConfig;
  /** How a path of the file is handed over. */
  path(path: string): string;
  /** The buses that the guest finds its devices on: MMIO where it is not to know of the PCI bus. */
  readonly virtio: 'pci' | 'mmio';
}

export type Paths = 'written' | 'absolute';

export function argumentContext(config: VmConfig, paths: Paths): ArgumentContext {
  return { config, path: (path) => showPath(config, path, paths), virtio: virtioBus(config) };
}

/** What a colon would make a protocol (`nbd:…`) stays a path. */
function showPath({ written }: VmConfig, path: string, paths: Paths): string {
  const relative = paths === 'written' && written && Object.hasOwn(written, path) ? written[path]! : path;
  return /^[^/]*:/.test(relative) ? `./${relative}` : relative;
}

/** With these bridges the PCI host is taken out of the guest's tree; a microvm has none to begin with. */
function virtioBus({ bridge, machine }: VmConfig): 'pci' | 'mmio' {
  const isHidden = bridge.kind === 'vfio-user' || bridge.kind === 'ivc';
  return isHidden || /^(type=)?microvm\b/.test(machine) ? 'mmio' : 'pci';
}

/** `virtio-blk-pci`, or `virtio-blk-device` on the MMIO bus. */
export function virtioDriver(kind: string, bus: 'pci' | 'mmio'): string {
  return `virtio-${kind}-${bus === 'pci' ? 'pci' : 'device'}`;
}
