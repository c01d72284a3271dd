import { describe, expect, it } from 'vitest';
import { ONCE, refused, type Saw } from './cases.js';

/** The same SMMU, the host bridge's iommu-map, a GICv3 with its ITS. */
export function itUsesPciFunctions(saw: Saw): void {
  describe('PCI functions behind the same SMMU', () => {
    it('are bound and given back, also one that comes into its group only then', () => {
      const { before, bind, bound, unbind, after } = saw('pci');
      expect(before).toEqual({
        '0000:00:10.0': 'none, for (null)',
        '0000:00:11.0': 'e1000e, for (null)',
        group: null,
      });
      expect(bind.status, bind.stderr).toBe(0);
      expect(Object.values(bound)).toEqual(['vfio-pci, for vfio-pci', 'vfio-pci, for vfio-pci']);
      expect(unbind.status, unbind.stdout + unbind.stderr).toBe(0);
      expect({ ...after, group: null }).toEqual(before);
    });

    it("signal MSIs by way of the GIC's ITS, make DMA, and are reset", () => {
      const { used, reset } = saw('pci');
      expect(used).toMatchObject({
        id: 0x010000ed,
        info: { kind: 'pci' },
        events: [ONCE, ONCE, ONCE],
        equal: true,
      });
      expect(reset).toEqual({ canReset: true, id: 0x10d38086 });
    });

    it('are refused where another of their group is in use, before and after the group is known', () => {
      const { before, one, afterOne, known, groups } = saw('sharedGroup');
      expect(groups[0], 'one group').toBe(groups[1]);
      for (const bind of [one, known]) {
        expect(bind.status, bind.stdout).toBe(69);
        expect(bind.stderr).toMatch(
          /^gpuvm: IOMMU group \d+ also has 0000:00:13\.0 \(virtio-pci\) in use by the host; add 0000:00:13\.0 to pciDevices/m,
        );
      }
      expect(afterOne).toEqual(before);
    });

    it('would indeed not have been given by the kernel', () => {
      expect(saw('sharedGroup').opened).toEqual(
        refused(
          'GPUVM_VFIO',
          /VFIO_GROUP_SET_CONTAINER failed with EPERM \(0000:00:13\.0 is with virtio-pci\)/,
        ),
      );
    });

    it('are bound with their group, and go home', () => {
      const { before, all, bound, id, unbind, after } = saw('sharedGroup');
      expect(all.status, all.stderr).toBe(0);
      expect(Object.values(bound)).toEqual(['vfio-pci, for vfio-pci', 'vfio-pci, for vfio-pci']);
      expect(id).toBe(0x010000ed);
      expect(unbind.status, unbind.stdout + unbind.stderr).toBe(0);
      expect(after).toEqual(before);
    });
  });
}
