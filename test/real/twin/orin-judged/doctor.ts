import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../../src/finding.js';
import { REFERENCE } from '../inside/orin-reference.js';
import type { Saw } from './cases.js';

/** gpuvm doctor on an arm64 host shaped like an Orin. */
export function itExaminesTheHost(saw: Saw): void {
  describe('gpuvm doctor', () => {
    const findingsOf = ({ stdout, stderr }: { stdout: string; stderr: string }) => {
      expect(stderr).toBe('');
      const { findings } = JSON.parse(stdout) as { findings: Finding[] };
      return Object.fromEntries(findings.map(({ id, status, what }) => [id, `${status}: ${what}`]));
    };
    const amiss = (found: Record<string, string>) =>
      Object.keys(found)
        .filter((id) => !found[id]!.startsWith('ok: '))
        .sort();

    it('finds what a VM needs of this host, and only what is not there amiss', () => {
      const { host, hasBpmp } = saw('doctor').asItIs;
      const found = findingsOf(host);
      expect(host.status, host.stdout).toBe(0);
      expect(hasBpmp, '/dev/bpmp-host').toBe(false);
      expect(amiss(found)).toEqual(['dev.bpmp-host', 'kernel.config', 'kernel.reset-required']);
      expect(found).toMatchObject({
        'vfio.iommu': 'ok: the IOMMU is on',
        'dev.kvm': 'ok: root may open /dev/kvm',
        'module.wanted/vfio_platform': 'ok: the module vfio_platform is loaded',
        'module.conflict': expect.stringMatching(/^ok: /),
        'gpuvm.addon': 'ok: the native addon loads',
        'kernel.seccomp': expect.stringMatching(/^ok: /),
      });
    });

    it('says so to people, with what to do', () => {
      const { people } = saw('doctor').asItIs;
      expect(people.status).toBe(0);
      expect(people.stdout).toMatch(/^ {2}warn {2}dev\.bpmp-host +there is no \/dev\/bpmp-host: /m);
      expect(people.stdout).toMatch(/^ +→ echo "options vfio_platform reset_required=0" > /m);
      expect(people.stdout).toMatch(/\n\d+ ok, 3 warnings, 0 failures\n$/);
    });

    it('finds all ten devices of the reference VM good, and what else that lacks here', () => {
      const { vm } = saw('doctor').asItIs;
      const found = findingsOf(vm);
      expect(vm.status, vm.stdout).toBe(1);
      for (const name of REFERENCE)
        expect(found).toMatchObject({
          [`vfio.present/${name}`]: `ok: ${name} is there`,
          [`vfio.group/${name}`]: expect.stringMatching(/^ok: .* is (behind an IOMMU|in IOMMU group)/),
          [`vfio.driver/${name}`]: `ok: ${name} has no driver`,
          [`vfio.reset/${name}`]: expect.stringMatching(/^ok: .* is reset by gpuvm_dummy_reset/),
          [`vfio.holders/${name}`]: `ok: nobody has ${name} open`,
          [`vfio.claim/${name}`]: `ok: no other VM has ${name}`,
        });
      expect(found).toMatchObject({
        'vfio.memlock': 'ok: root may pin more than its limit',
        'vfio.module/vfio-platform': 'ok: the driver vfio-platform is loaded',
        'dev.bpmp-host': expect.stringMatching(/^fail: there is no \/dev\/bpmp-host/),
        'memory.free': expect.stringMatching(/^fail: .* the guest has 4 GiB, which VFIO pins/),
        'qemu.vfio-platform': 'fail: this QEMU has no vfio-platform',
        'qemu.accel': 'ok: it can use KVM',
        'file.there/kernel': expect.stringMatching(/^fail: /),
      });
    });

    it('finds that vfio-platform is not loaded, and that the BPMP is there and in the reach of QEMU', () => {
      const { unloaded, hasBpmp, host, vm } = saw('doctor').broken;
      expect({ unloaded, hasBpmp }).toEqual({ unloaded: null, hasBpmp: true });
      expect(amiss(findingsOf(host))).toEqual([
        'kernel.config',
        'kernel.reset-required',
        'module.wanted/vfio_platform',
      ]);
      expect(findingsOf(vm)).toMatchObject({
        'module.wanted/vfio_platform': 'fail: the module vfio_platform is not loaded',
        'vfio.module/vfio-platform': 'fail: the driver vfio-platform is not loaded',
        'dev.bpmp-host': expect.stringMatching(
          /^warn: QEMU would run as root, who may open \/dev\/bpmp-host/,
        ),
      });
    });

    it('is content once it is loaded, with resets not required', () => {
      const { loaded, host } = saw('doctor').mended;
      expect(loaded).toBeNull();
      const found = findingsOf(host);
      expect(amiss(found)).toEqual(['kernel.config']);
      expect(found['kernel.reset-required']).toBe('ok: vfio-platform takes devices that it cannot reset');
    });
  });
}
