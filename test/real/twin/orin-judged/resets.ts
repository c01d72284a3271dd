import { describe, expect, it } from 'vitest';
import type { Saw } from './cases.js';

/** What becomes of devices with a reset driver and without. */
export function itMindsResets(saw: Saw): void {
  describe('a device that the kernel has no reset for', () => {
    it('is refused where vfio-platform minds, with what to do', () => {
      const { required, minded } = saw('withoutReset');
      expect(required, 'reset_required').toBe('Y\n');
      expect(minded.finding).toMatchObject({
        status: 'fail',
        what: 'the kernel has no reset driver for 13200000.no_reset, and vfio-platform wants one',
      });
      expect(minded.bind.status, minded.bind.stdout).toBe(69);
      expect(minded.bind.stderr).toMatch(/^gpuvm: .*options vfio_platform reset_required=0.*\n$/);
    });

    it('would indeed have been refused by the kernel', () => {
      const { kernel } = saw('withoutReset').minded;
      expect(kernel, kernel.said.join('\n')).toMatchObject({ errno: 'ENOENT', bound: null });
      expect(kernel.said.join('\n')).toContain('No reset function found for device 13200000.no_reset');
    });

    it('is taken with reset_required=0, and used without a reset', () => {
      const { loaded, loadedAgain, ignored } = saw('withoutReset');
      expect([...loaded, ...loadedAgain], 'vfio-platform, loaded anew').toEqual([null, null, null, null]);
      expect(ignored.finding).toMatchObject({
        status: 'ok',
        what: expect.stringContaining('the next guest finds it as the last one left it'),
      });
      expect(ignored.bind.status, ignored.bind.stderr).toBe(0);
      expect(ignored.opened).toEqual({
        canReset: false,
        reset: { code: 'GPUVM_VFIO', message: expect.stringMatching(/no_reset has no reset/) },
      });
      expect(ignored.unbind.status, ignored.unbind.stdout).toBe(0);
    });

    it('is refused all the same to a VM that wants it reset', () => {
      expect(saw('withoutReset').ignored.findingWanted).toMatchObject({
        status: 'fail',
        what: expect.stringContaining('must be reset between guests'),
      });
    });
  });

  describe('a device with a reset driver', () => {
    it('is known to have one before that is loaded, and after', () => {
      const { before, bind, loaded } = saw('withReset');
      expect(before).toMatchObject({
        status: 'ok',
        what: '17000000.gpu is reset by gpuvm_dummy_reset, which the kernel loads when it is bound',
      });
      expect(bind.status, bind.stderr).toBe(0);
      expect(loaded).toMatchObject({ status: 'ok', what: '17000000.gpu is reset by gpuvm_dummy_reset' });
    });

    it('is reset when it is opened, when it is asked for, and when it is closed', () => {
      expect(saw('withReset').counts, 'resets: bound, opened, asked for, closed').toEqual([0, 1, 2, 3]);
    });

    it('is not to be had where its reset fails, which is said', () => {
      const { failing } = saw('withReset');
      expect(failing.said.join('\n'), 'the kernel').toContain('reset call failed in open (-5)');
      expect(failing.result).toEqual({
        code: 'GPUVM_VFIO',
        message: expect.stringMatching(/VFIO_GROUP_GET_DEVICE_FD failed with EIO: .*reset.*dmesg/),
      });
    });
  });
}
