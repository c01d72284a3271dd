import { describe, expect, it } from 'vitest';
import { refused, type Saw } from './cases.js';

/** Who has a device, and who may. */
export function itKeepsDevicesToTheirUsers(saw: Saw): void {
  describe('a device that a process has', () => {
    it('is refused to a second one, who is told by whom', () => {
      const { groupBefore, probe, second, holder, group } = saw('held');
      expect({ groupBefore, getDevice: probe.getDevice }).toEqual({ groupBefore: null, getDevice: 0 });
      expect(second).toEqual({
        code: 'GPUVM_VFIO',
        message: expect.stringContaining(
          `/dev/vfio/${group}: open failed with EBUSY (open in vfio-probe (process ${holder}))`,
        ),
      });
    });

    it('has it named by checks and list, and is not bound a second time', () => {
      const { findings, listed, secondVm, holder } = saw('held');
      const who = `9010000.pl031 is in use by vfio-probe (process ${holder})`;
      expect(findings.find(({ id }) => id === 'vfio.holders/9010000.pl031')).toMatchObject({
        status: 'fail',
        what: who,
      });
      expect(listed.stdout).toMatch(
        new RegExp(`^9010000\\.pl031 .* vfio-platform +held +vfio-probe \\(${holder}\\)$`, 'm'),
      );
      expect(secondVm.status, secondVm.stdout).toBe(69);
      expect(secondVm.stderr).toContain(who);
      expect(secondVm.stderr).toContain('is taken by VM held');
    });

    it('is not taken off VFIO under it, although its group came only with the binding', () => {
      const { refused: report, holder, group, still, restored, after } = saw('held');
      expect(report.steps[0]).toMatchObject({
        outcome: 'failed',
        why: `vfio-probe (process ${holder}) has /dev/vfio/${group} open: end that first`,
      });
      expect(still).toBe('vfio-platform');
      expect(restored.ok, JSON.stringify(restored)).toBe(true);
      expect(after).toEqual({ '9010000.pl031': 'none, for (null)' });
    });
  });

  describe('somebody without rights', () => {
    it('may not bind, and is told before anything is changed', () => {
      const { bind, untouched } = saw('nobody');
      expect(bind).toMatchObject({
        status: 69,
        stderr: 'gpuvm: only root may bind 17000000.gpu to VFIO; run gpuvm as root\n',
      });
      expect(untouched).toEqual({ '17000000.gpu': 'none, for (null)' });
    });

    it('may not open the group, and may use the device once he has its node', () => {
      const { withoutRights, small } = saw('nobody');
      expect(withoutRights).toEqual(
        refused('GPUVM_VFIO', /\/dev\/vfio\/\d+: open failed with EACCES: .*run as root/),
      );
      expect(small, 'with 16 KiB of memory').toBeNull();
    });

    it('is told what to raise where he may not lock so much memory', () => {
      const { large, again } = saw('nobody');
      expect(large).toEqual(refused('GPUVM_VFIO', /VFIO_IOMMU_MAP_DMA failed with ENOMEM: .*RLIMIT_MEMLOCK/));
      expect(again, 'with 16 KiB afterwards').toBeNull();
    });
  });
}
