import { afterAll, describe, expect, it } from 'vitest';
import { cleanUp, configOf, orinNeeds, RELEASE, release, say, tegra } from './tree.js';

afterAll(cleanUp);

const MODULES = `lib/modules/${RELEASE}`;
const dep = {
  ...release,
  [`${MODULES}/modules.dep`]:
    'kernel/drivers/vfio/vfio.ko.zst:\nkernel/drivers/vfio/platform/vfio-platform.ko: kernel/drivers/vfio/vfio.ko\nkernel/drivers/vfio/vfio_iommu_type1.ko.xz:\n',
  [`${MODULES}/modules.builtin`]: 'kernel/arch/arm64/kvm/kvm.ko\n',
};
const loaded = Object.fromEntries(
  ['vfio', 'vfio_platform', 'vfio_iommu_type1', 'kvm'].map((name) => [`sys/module/${name}/`, '']),
);
const of = async (module: string, files: Parameters<typeof say>[1], needs = orinNeeds) =>
  (await say('module.wanted', files, needs)).find(({ on }) => on === module);

describe('module.wanted', () => {
  it('is well where all are loaded or built in', async () => {
    const said = await say('module.wanted', { ...dep, ...loaded }, orinNeeds);
    expect(said.map(({ on, status }) => [on, status])).toEqual([
      ['vfio', 'ok'],
      ['vfio_iommu_type1', 'ok'],
      ['vfio_platform', 'ok'],
      ['kvm', 'ok'],
    ]);
    expect((await of('kvm', dep))!.what).toBe('kvm is built into the kernel');
    expect(await of('vfio', { ...release, 'dev/vfio/vfio': '' })).toMatchObject({ status: 'ok' });
    expect(await of('vfio', { ...release, ...configOf('VFIO=y') })).toMatchObject({ status: 'ok' });
    expect(await of('vfio', { ...release, ...configOf('VFIO=m') })).toMatchObject({ status: 'fail' });
  });

  it('says how to load what could be, in either spelling', async () => {
    expect(await of('vfio_platform', dep)).toMatchObject({
      status: 'fail',
      what: 'the module vfio_platform is not loaded',
      fix: expect.stringMatching(/^modprobe vfio_platform; at every boot/),
    });
  });

  it.each([
    [
      'etc/modprobe.d/local.conf',
      'x\nblacklist vfio-platform\n',
      '/etc/modprobe.d/local.conf:2: blacklist vfio-platform',
    ],
    [
      'lib/modprobe.d/a.conf',
      'install vfio_platform /bin/false\n',
      '/lib/modprobe.d/a.conf:1: install vfio_platform /bin/false',
    ],
    [
      'proc/cmdline',
      'ro modprobe.blacklist=nouveau,vfio_platform\n',
      '/proc/cmdline:1: modprobe.blacklist=nouveau,vfio_platform',
    ],
  ])('finds the blacklist in %s', async (path, content, evidence) => {
    expect(await of('vfio_platform', { ...dep, [path]: content })).toMatchObject({
      status: 'fail',
      what: 'the module vfio_platform is blacklisted',
      evidence,
    });
  });

  it('takes a file in /etc for one of the same name in /lib, and comments for nothing', async () => {
    const files = {
      ...dep,
      'etc/modprobe.d/a.conf': '# blacklist vfio-platform\n',
      'lib/modprobe.d/a.conf': 'blacklist vfio-platform\n',
      'etc/modprobe.d/readme': 'blacklist vfio-platform\n',
    };
    expect((await of('vfio_platform', files))!.what).toBe('the module vfio_platform is not loaded');
  });

  it('says where there is none, or the kernel is built without it', async () => {
    expect(await of('vfio_pci', dep, { ...orinNeeds, pciDevices: true })).toMatchObject({
      status: 'fail',
      what: expect.stringMatching(/neither loaded nor there to be loaded/),
      evidence: expect.stringMatching(new RegExp(`/${MODULES} does not have it`)),
    });
    expect(await of('vfio', release)).toMatchObject({ evidence: expect.stringMatching(/cannot be read/) });
    expect(await of('vfio', { ...dep, ...configOf('ARM64=y') })).toMatchObject({
      what: 'the kernel has no module vfio',
      fix: expect.stringMatching(/CONFIG_VFIO=m/),
    });
  });

  it('only warns without a VM, and asks for vfio_platform on a Tegra alone', async () => {
    const ons = async (files: Parameters<typeof say>[1]) => {
      const said = await say('module.wanted', files);
      expect(said.every(({ status }) => status !== 'fail')).toBe(true);
      return said.map(({ on }) => on);
    };
    expect(await ons(release)).toEqual(['vfio', 'vfio_iommu_type1', 'vfio_pci', 'kvm']);
    expect(await ons({ ...release, ...tegra })).toContain('vfio_platform');
    expect(await say('module.wanted', release, {})).toEqual([]);
  });
});

describe('module.conflict', () => {
  it('is well where none is loaded, and nothing away from a Tegra', async () => {
    expect(await say('module.conflict', tegra, orinNeeds)).toMatchObject([{ status: 'ok' }]);
    expect(await say('module.conflict', { 'sys/module/nvgpu/': '' }, orinNeeds)).toEqual([]);
  });

  it('warns of each with the blacklist for it', async () => {
    const files = { ...tegra, 'sys/module/nvgpu/holders/nvidia_drm': '', 'sys/module/nvmap/': '' };
    expect(await say('module.conflict', files, orinNeeds)).toMatchObject([
      {
        on: 'nvgpu',
        status: 'warn',
        evidence: '/sys/module/nvgpu, used by nvidia_drm',
        fix: expect.stringMatching(/blacklist nvgpu/),
      },
      { on: 'nvmap', status: 'warn' },
    ]);
  });

  it('knows one that is loaded in spite of its blacklist', async () => {
    const files = { ...tegra, 'sys/module/nvgpu/': '', 'etc/modprobe.d/b.conf': 'blacklist nvgpu\n' };
    expect(await say('module.conflict', files)).toMatchObject([
      {
        evidence: expect.stringMatching(/blacklisted in \/etc\/modprobe\.d\/b\.conf:1/),
        fix: expect.stringMatching(/install nvgpu \/bin\/false/),
      },
    ]);
  });
});
