import { describe, expect, it } from 'vitest';
import type { Saw } from './cases.js';

/** A driver that the kernel waits for: gpuvm does not wait with it. */
export function itBearsDriversThatHang(saw: Saw): void {
  describe('a device whose driver does not let go', () => {
    it('is given up on after 30 s, in one line that says who hangs where and what to do', () => {
      const { bind } = saw('deadline');
      expect(bind).toMatchObject({ status: 71, stdout: '' });
      const { stderr, tookMs } = bind as { stderr: string; tookMs: number };
      expect(stderr).toMatch(
        /^gpuvm: writing "13400000\.hang" to \/sys\/bus\/platform\/drivers\/gpuvm-hang\/unbind does not come back: process \d+ has hung in the kernel for 30 s \(.*hang_platform_remove.*\); and not put back: take 13400000\.hang off gpuvm-hang; run gpuvm recover once its driver has let go, or reboot\n$/,
      );
      expect(tookMs, 'ms').toBeGreaterThan(30_000);
    });

    it('does not keep the device beside it from being put back', () => {
      const { found } = saw('deadline');
      expect(found).toEqual({
        neighbour: { '13300000.one_of_two': 'none, for (null)' },
        // The kernel takes the link away before it asks the driver.
        hang: null,
        isHanging: true,
        // One write: giving it back was not tried behind that.
        processes: [expect.stringMatching(/^node: .*hang_platform_remove/)],
      });
    });

    it('goes back to its driver by gpuvm recover, once that has let go', () => {
      const { recovered, after } = saw('deadline');
      expect(recovered.status, recovered.stdout + recovered.stderr).toBe(0);
      expect(recovered.stdout).toContain('undone: take 13400000.hang off gpuvm-hang');
      expect(after).toEqual({
        neighbour: { '13300000.one_of_two': 'none, for (null)' },
        hang: { '13400000.hang': 'gpuvm-hang, for gpuvm-hang' },
        journals: [],
      });
    });

    it('is left alone by recover where gpuvm was killed meanwhile; the one beside it is put back', () => {
      const { found, meanwhile } = saw('killedInHang');
      expect(found.neighbour).toEqual({ '13300000.one_of_two': 'vfio-platform, for vfio-platform' });
      const { ok, journals } = meanwhile.recovered;
      expect(ok).toBe(false);
      expect(journals).toMatchObject([{ state: 'incomplete' }]);
      const steps = journals[0]!.steps;
      expect(steps.find(({ outcome }) => outcome === 'failed')).toMatchObject({
        id: 'platform/13400000.hang/unbind',
        why: expect.stringMatching(/process \d+ still hangs in the kernel \(.*hang_platform_remove/),
      });
      expect(meanwhile.neighbour, JSON.stringify(steps)).toEqual({
        '13300000.one_of_two': 'none, for (null)',
      });
    });

    it('goes back to its driver by recover then, too', () => {
      const { recovered, after } = saw('killedInHang');
      expect(recovered.ok, JSON.stringify(recovered)).toBe(true);
      expect(after).toEqual({
        neighbour: { '13300000.one_of_two': 'none, for (null)' },
        hang: { '13400000.hang': 'gpuvm-hang, for gpuvm-hang' },
        journals: [],
      });
    });

    it('keeps neither the list nor another bind, which say so and end', () => {
      const { listed, bind } = saw('killedInHang').meanwhile;
      expect(listed, 'gpuvm devices list').toMatchObject({
        status: 0,
        stdout: expect.stringMatching(/^13400000\.hang +platform /m),
      });
      expect(bind, 'gpuvm devices bind').toMatchObject({
        status: 69,
        stderr: expect.stringMatching(
          /^gpuvm: the kernel does not come back from 13400000\.hang; waiting there, out of reach of signals: .*node \(process \d+\).*gpuvm recover; else reboot$/m,
        ),
      });
      expect(bind).toMatchObject({ stderr: expect.stringContaining('was not given back by devices') });
    });
  });
}
