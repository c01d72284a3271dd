import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { cacheFolder, loadVmFile } from '../../src/config/index.js';
import type { Finding } from '../../src/finding.js';
import { askRegions, stockVirt } from '../../src/qemu/index.js';
import { GpuvmProcess } from './gpuvm-process.js';
import { hasProgram } from './programs.js';

const example = (name: string) => fileURLToPath(new URL(`../../examples/${name}.yaml`, import.meta.url));

async function doctor(...args: string[]) {
  const started = performance.now();
  const child = new GpuvmProcess('doctor', ...args, '--json');
  const status = await child.ended;
  const { ok, findings } = JSON.parse(child.stdout) as { ok: boolean; findings: Finding[] };
  return { status, ok, findings, stderr: child.stderr, tookMs: performance.now() - started };
}

const failed = (findings: readonly Finding[]) =>
  findings.filter(({ status }) => status === 'fail').map(({ id }) => id);
/** A check that could not be made is a warning that says so: on a machine in order there is none. */
const broken = (findings: readonly Finding[]) =>
  findings.filter(({ what }) => what.startsWith('this could not be'));

/** What the example names, the demo's program apart. */
const isPrepared = ['guest/demo/vmlinuz', 'guest/demo/initrd', 'qemu/bin/qemu-system-aarch64'].every((part) =>
  existsSync(join(cacheFolder(), part)),
);

/** Each check has its deadline, and all are made at the same time. */
const BOUND_MS = 45_000;

describe('gpuvm doctor on this machine', () => {
  it('without a file: nothing fails, whatever the host cannot do', async () => {
    const { status, ok, findings, stderr, tookMs } = await doctor();
    expect(failed(findings)).toEqual([]);
    expect({ status, ok, stderr }).toEqual({ status: 0, ok: true, stderr: '' });
    expect(broken(findings)).toEqual([]);
    expect(tookMs).toBeLessThan(BOUND_MS);
    for (const id of ['gpuvm.node', 'gpuvm.addon', 'gpuvm.exec'])
      expect(findings).toContainEqual(expect.objectContaining({ id, status: 'ok' }));
    const groups = existsSync('/sys/kernel/iommu_groups')
      ? readdirSync('/sys/kernel/iommu_groups').length
      : 0;
    expect(findings.find(({ id }) => id === 'vfio.iommu')?.status).toBe(groups > 0 ? 'ok' : 'warn');
  });

  it.skipIf(!isPrepared)('the simulated Orin (prepared by scripts/setup) is in order', async () => {
    const { status, findings } = await doctor(example('simulated-orin'));
    expect(failed(findings)).toEqual([]);
    expect(status).toBe(0);
    expect(broken(findings)).toEqual([]);
    for (const id of ['file.there', 'file.policy', 'qemu.machine', 'qemu.vfio-user'])
      expect(findings).toContainEqual(expect.objectContaining({ id, status: 'ok' }));
  });

  // A Jetson with the overlay is where this must not fail.
  it.skipIf(existsSync('/sys/bus/platform/devices/17000000.gpu') || !hasProgram('qemu-system-aarch64'))(
    'the real Orin is not here: each thing that is missing is named, with what mends it',
    async () => {
      const file = example('orin-gpu-vm');
      const { platformDevices } = await loadVmFile(file);
      const { status, ok, findings } = await doctor(file);
      expect({ status, ok }).toEqual({ status: 1, ok: false });
      const missing = platformDevices.map(({ host }) => `vfio.present/${host}`);
      expect(missing).toHaveLength(10);
      expect(failed(findings)).toEqual(
        expect.arrayContaining([
          ...missing,
          'file.there/kernel',
          'file.there/dtb',
          'file.there/disks[1].file',
          'qemu.mmio-base',
          'qemu.layout',
          'qemu.window',
        ]),
      );
      expect(broken(findings)).toEqual([]);
      for (const { id, status: each, fix, evidence } of findings) {
        expect(evidence, id).toMatch(/\S/);
        if (each === 'fail') expect(fix, id).toMatch(/\S/);
      }
    },
  );

  it('is text for people, and ends with the counts', async () => {
    const child = new GpuvmProcess('doctor');
    expect(await child.ended).toBe(0);
    expect(child.stdout).toMatch(/\n {2}ok {4}gpuvm\.node +Node v/);
    expect(child.stdout).toMatch(/\n\d+ ok, \d+ warnings?, 0 failures\n$/);
    // It is no terminal.
    expect(child.stdout).not.toContain('\u001b');
  });
});

describe('a real QEMU says where its machine has what', () => {
  const newer = join(cacheFolder(), 'qemu/bin/qemu-system-aarch64');

  it.each([
    ['qemu-system-aarch64', hasProgram('qemu-system-aarch64')],
    [newer, existsSync(newer)],
  ])('%s', async (binary, isThere) => {
    expect(isThere, `${binary} is needed`).toBe(true);
    const regions = await askRegions({
      // With KVM, which it may not have: places do not depend on it.
      machine: 'virt,accel=kvm,gic-version=3',
      qemu: { binary, user: undefined, group: undefined },
    });
    expect(regions.find(({ name }) => name === 'platform bus')).toMatchObject({
      address: stockVirt.base,
      size: stockVirt.size,
    });
    expect(regions.find(({ name }) => name === 'mach-virt.ram')).toMatchObject({
      address: stockVirt.ramBase,
    });
    expect(regions.some(({ name }) => /bpmp/.test(name))).toBe(false);
  });

  it('or why it has none', async () => {
    const asked = askRegions({
      machine: 'no-such-machine',
      qemu: { binary: 'qemu-system-aarch64', user: undefined, group: undefined },
    });
    await expect(asked).rejects.toMatchObject({
      code: 'GPUVM_QEMU_UNSUITABLE',
      message: expect.stringMatching(/no-such-machine/),
    });
  });
});
