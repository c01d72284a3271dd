import { describe, expect, it } from 'vitest';
import type { ListedDevice } from '../../../../src/vfio/index.js';
import type { Saw } from './cases.js';

/** Devices given to VFIO and back, and those that it does not get. */
export function itBindsDevices(saw: Saw): void {
  describe('before any driver was tried on them', () => {
    it('are listed, although none has its group yet', () => {
      const { groups, json } = saw('unprobed');
      expect(new Set(Object.values(groups)), 'groups that the kernel has made already').toEqual(
        new Set([null]),
      );
      const { devices } = JSON.parse(json.stdout) as { devices: ListedDevice[] };
      for (const name of Object.keys(groups))
        expect(devices, json.stdout).toContainEqual(
          expect.objectContaining({ name, group: null, behindIommu: true, driver: null }),
        );
    });

    it('are shown to people with what becomes of their group', () => {
      const { people } = saw('unprobed');
      expect(people.stdout).toMatch(/^17000000\.gpu +platform +when bound +- /m);
      expect(people.stdout, 'edu, which no driver of the host takes').toMatch(
        /^0000:00:10\.0 +pci +when bound +- /m,
      );
      expect(people.stdout).toMatch(/^0000:00:11\.0 +pci +\d+ +e1000e /m);
      expect(people.stdout, 'without iommus').not.toContain('13100000.no_iommu');
    });
  });

  describe('the ten of the reference VM', () => {
    it('are bound at once, each in a group of its own with its node', () => {
      const { bind, bound, members, nodes, kept } = saw('ten');
      expect(bind.status, bind.stderr).toBe(0);
      for (const [name, state] of Object.entries(bound)) {
        expect(state, name).toBe('vfio-platform, for vfio-platform');
        expect(members[name], `the group of ${name}`).toEqual([name]);
      }
      expect(nodes, '/dev/vfio').toEqual(Object.keys(bound).map(() => true));
      expect(kept, 'journals while they were bound').toBe(1);
    });

    it('need nothing more then, and are listed with their groups', () => {
      const { again, listed } = saw('ten');
      expect(again).toMatchObject({ status: 0, stdout: expect.stringContaining('nothing to do') });
      expect(listed.stdout).toMatch(/^d800000\.dce +platform +\d+ +vfio-platform /m);
    });

    it('are given back, with nothing left of it', () => {
      const { before, unbind, after } = saw('ten');
      expect(unbind.status, unbind.stdout + unbind.stderr).toBe(0);
      expect(after, unbind.stdout).toEqual(before);
    });
  });

  describe('a device without iommus', () => {
    it('is refused in one line before anything is changed, beside a good one, too', () => {
      const { noIommu, afterNoIommu } = saw('refused');
      expect(noIommu.status, noIommu.stdout).toBe(69);
      expect(noIommu.stderr).toMatch(
        /^gpuvm: 13100000\.no_iommu is in no IOMMU group; give its node an `iommus` property .*\n$/,
      );
      expect(new Set(Object.values(afterNoIommu)), JSON.stringify(afterNoIommu)).toEqual(
        new Set(['none, for (null)']),
      );
    });

    it('would indeed not have been taken by vfio-platform', () => {
      const { noIommuByHand } = saw('refused');
      expect(noIommuByHand, noIommuByHand.said.join('\n')).toMatchObject({ errno: 'EINVAL', bound: null });
    });
  });

  describe('two devices with one stream', () => {
    it('are not both taken: the SMMU refuses the second, which is put back alone', () => {
      const { first, second, afterSecond } = saw('refused');
      expect(first.status, first.stderr).toBe(0);
      expect(second.kernel.join('\n'), 'the kernel').toContain(
        'already in tree from dev 13300000.one_of_two',
      );
      expect(second.status, second.stdout).toBe(71);
      expect(second.stderr).toMatch(
        /^gpuvm: the kernel took the write, but did not bind 13310000\.two_of_two to vfio-platform: .*dmesg.*put back\n$/,
      );
      expect(Object.values(afterSecond)).toEqual(['vfio-platform, for vfio-platform', 'none, for (null)']);
    });

    it('leave no journal', () => {
      const { unbind, kept } = saw('refused');
      expect(unbind.status, unbind.stdout + unbind.stderr).toBe(0);
      expect(kept).toEqual([]);
    });
  });
}
