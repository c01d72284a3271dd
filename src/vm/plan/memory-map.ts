import { DEFAULT_WINDOW_ADDRESS, ivcBars } from '../../bpmp/bridge/vfio-user/index.js';
import { WINDOW } from '../../bpmp/wire/index.js';
import type { VmConfig } from '../../config/index.js';
import { PCI_WINDOW, type PlatformBus } from '../../qemu/index.js';
import { highRanges } from './high-memory.js';
import type { PlannedDevice } from './prediction.js';

export type MapKind = 'ram' | 'bus' | 'device' | 'carve-out' | 'bridge' | 'pci' | 'board';

/** One range of the guest's physical addresses. */
export interface MapEntry {
  readonly name: string;
  readonly kind: MapKind;
  readonly address: bigint;
  /** In bytes. */
  readonly size: bigint;
  /** Lies inside of the platform bus or of the PCI window. */
  readonly inside?: 'bus' | 'pci';
}

/** What QEMU's `virt` has at the same place in every version since 2.12 and in the patched ones (hw/arm/virt.c). */
const board: readonly (readonly [name: string, address: bigint, size: bigint])[] = [
  ['flash', 0x0000_0000n, 0x0800_0000n],
  ['interrupt controller (GIC)', 0x0800_0000n, 0x0100_0000n],
  ['UART (PL011)', 0x0900_0000n, 0x1000n],
  ['clock (PL031)', 0x0901_0000n, 0x1000n],
  ['fw_cfg', 0x0902_0000n, 0x18n],
  ['GPIO (PL061)', 0x0903_0000n, 0x1000n],
  ['virtio-mmio, 32 slots', 0x0a00_0000n, 0x4000n],
];

/** The machine's own IOMMU and secure memory are there only where the machine's options ask for them. */
const optional: readonly (readonly [pattern: RegExp, name: string, address: bigint, size: bigint])[] = [
  [/(^|,)iommu=smmuv3(,|$)/, 'SMMU', 0x0905_0000n, 0x2_0000n],
  [/(^|,)secure=(on|true|yes)(,|$)/, 'secure memory', 0x0e00_0000n, 0x0100_0000n],
];

/** The guest's address space on `virt`, sorted; devices whose place is not known are left out. */
export function memoryMap(config: VmConfig, bus: PlatformBus, devices: readonly PlannedDevice[]): MapEntry[] {
  const { machine } = config;
  const entries: MapEntry[] = [
    ...board.map(([name, address, size]): MapEntry => ({ name, kind: 'board', address, size })),
    ...optional
      .filter(([pattern]) => pattern.test(machine))
      .map(([, name, address, size]): MapEntry => ({ name, kind: 'board', address, size })),
    { name: 'platform bus', kind: 'bus', address: bus.base, size: bus.size },
    ...devices.flatMap(regionsOf),
    ...bridgeEntries(config),
    {
      name: 'PCI memory (32 bits)',
      kind: 'pci',
      address: PCI_WINDOW.first,
      size: PCI_WINDOW.last - PCI_WINDOW.first + 1n,
    },
    { name: 'PCI I/O', kind: 'pci', address: 0x3eff_0000n, size: 0x1_0000n },
    { name: 'RAM', kind: 'ram', address: bus.ramBase, size: bus.ramSize },
    ...highRanges(machine, bus).map((range): MapEntry => ({ ...range, kind: 'pci' })),
  ];
  return entries.toSorted((a, b) => compare(a.address, b.address) || compare(b.size, a.size));
}

function regionsOf({ host, mmioBase, regions = [] }: PlannedDevice): MapEntry[] {
  return regions.flatMap(({ address, size }, index): MapEntry[] => {
    if (address === undefined) return [];
    const name = regions.length > 1 ? `${host} [${index + 1}]` : host;
    return [{ name, kind: mmioBase === undefined ? 'device' : 'carve-out', address, size, inside: 'bus' }];
  });
}

function bridgeEntries({ bridge }: VmConfig): MapEntry[] {
  if (bridge.kind === 'interposed') {
    const { guestAddress } = bridge;
    return guestAddress === undefined
      ? []
      : [{ name: 'BPMP window', kind: 'bridge', address: guestAddress, size: BigInt(WINDOW.SIZE) }];
  }
  if (bridge.kind === 'vfio-user') {
    const address = bridge.guestAddress ?? DEFAULT_WINDOW_ADDRESS;
    return [{ name: 'BPMP window', kind: 'bridge', address, size: BigInt(WINDOW.SIZE), inside: 'pci' }];
  }
  if (bridge.kind !== 'ivc') return [];
  const [hsp, sram] = ivcBars();
  const entry = (name: string, { address, size }: { address: bigint; size: number }): MapEntry => ({
    name,
    kind: 'bridge',
    address,
    size: BigInt(size),
    inside: 'pci',
  });
  return [entry('BPMP doorbells (HSP)', hsp!), entry('BPMP shared memory', sram!)];
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
