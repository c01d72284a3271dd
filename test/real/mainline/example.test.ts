import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { GpuvmProcess } from '../gpuvm-process.js';
import { guestIsPrepared } from './vm-file.js';

const example = fileURLToPath(new URL('../../../examples/mainline-guest.yaml', import.meta.url));

describe.skipIf(!guestIsPrepared())('the example of a mainline guest', () => {
  it('shows its devices at work, is refused nothing, and leaves nothing on', async () => {
    const vm = new GpuvmProcess('run', example, '--json', '--watch');
    expect(await vm.ended).toBe(0);
    expect(vm.stderr).toContain('  pwmchip1         1 kHz, a quarter of the time on');
    expect(vm.stderr).toMatch(/ {2}gpusys +\d+ Hz {3}enabled 1 times/);
    expect(vm.stderr).toContain('  gpu-thermal      44.0 degrees');
    expect(vm.stderr).not.toContain('gpuvm: deny');
    const report = JSON.parse(vm.stdout) as {
      ending: string;
      release: { kept: number; failed: number };
      requests: { request: string; verdict: string }[];
    };
    expect(report.ending).toBe('guest-shutdown');
    expect(report.release).toMatchObject({ kept: 0, failed: 0 });
    const denied = report.requests.filter(({ verdict }) => verdict === 'deny');
    expect(denied.map(({ request }) => request)).toEqual(['what the view hides']);
  });
});
