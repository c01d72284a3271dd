import { afterAll, describe, expect, it } from 'vitest';
import { cleanUp, configOf, orinNeeds, say, tegra } from './tree.js';

afterAll(cleanUp);

const line = (text: string) => ({ 'proc/cmdline': `${text}\n` });

describe('kernel.parameters', () => {
  it('is well with a plain command line, and asks for no default of today', async () => {
    const said = await say('kernel.parameters', line('root=/dev/mmcblk0p1 rw'), orinNeeds);
    expect(said).toMatchObject([{ status: 'ok', evidence: '/proc/cmdline: root=/dev/mmcblk0p1 rw' }]);
  });

  it.each(['iommu=off', 'intel_iommu=off', 'amd_iommu=off'])('refuses %s', async (word) => {
    const said = await say('kernel.parameters', line(`quiet ${word} splash`), { pciDevices: true });
    expect(said).toMatchObject([{ status: 'fail', what: `${word} switches the IOMMU off` }]);
    expect(await say('kernel.parameters', line(word))).toMatchObject([{ status: 'warn' }]);
  });

  it('warns of what makes VFIO unsafe', async () => {
    const said = await say('kernel.parameters', line('vfio.enable_unsafe_noiommu_mode=1'), orinNeeds);
    expect(said).toMatchObject([{ status: 'warn', on: 'vfio.enable_unsafe_noiommu_mode' }]);
  });

  describe('with an Intel IOMMU that is not in use', () => {
    const intel = { 'sys/firmware/acpi/tables/DMAR': 'DMAR', ...configOf('X86=y', 'INTEL_IOMMU=y') };

    it('wants intel_iommu=on', async () => {
      const said = await say('kernel.parameters', { ...intel, ...line('quiet') }, { pciDevices: true });
      expect(said).toMatchObject([
        { on: 'intel_iommu', status: 'fail', fix: expect.stringMatching(/intel_iommu=on.*update-grub/) },
      ]);
    });

    it.each(['intel_iommu=on', 'intel_iommu=on,sm_on', 'intel_iommu=sm_on,on'])(
      'is content with %s',
      async (word) => {
        expect(
          await say('kernel.parameters', { ...intel, ...line(word) }, { pciDevices: true }),
        ).toMatchObject([{ status: 'ok' }]);
      },
    );

    it('asks for nothing where the kernel switches it on, or it is on', async () => {
      const byDefault = configOf('X86=y', 'INTEL_IOMMU_DEFAULT_ON=y');
      expect(
        await say('kernel.parameters', { ...intel, ...byDefault, ...line('quiet') }, { pciDevices: true }),
      ).toMatchObject([{ status: 'ok' }]);
      const groups = { 'sys/kernel/iommu_groups/0/devices/': '' };
      expect(
        await say('kernel.parameters', { ...intel, ...groups, ...line('quiet') }, { pciDevices: true }),
      ).toMatchObject([{ status: 'ok' }]);
    });
  });

  it('warns where the command line cannot be read, and is silent for a VM without devices', async () => {
    expect(await say('kernel.parameters', {}, orinNeeds)).toMatchObject([{ status: 'warn' }]);
    expect(await say('kernel.parameters', line('iommu=off'), {})).toEqual([]);
  });
});

describe('kernel.reset-required', () => {
  const parameter = 'sys/module/vfio_platform/parameters/reset_required';

  it("is a Tegra's affair, without a VM", async () => {
    expect(await say('kernel.reset-required', { [parameter]: 'Y\n' })).toEqual([]);
    expect(await say('kernel.reset-required', { ...tegra, [parameter]: 'Y\n' }, orinNeeds)).toEqual([]);
  });

  it('is well with N, and warns otherwise', async () => {
    expect(await say('kernel.reset-required', { ...tegra, [parameter]: 'N\n' })).toMatchObject([
      { status: 'ok' },
    ]);
    const said = await say('kernel.reset-required', { ...tegra, [parameter]: 'Y\n' });
    expect(said).toMatchObject([
      { status: 'warn', evidence: `/${parameter}: Y`, fix: expect.stringMatching(/reset_required=0/) },
    ]);
    expect(await say('kernel.reset-required', tegra)).toMatchObject([
      { status: 'warn', evidence: expect.stringMatching(/not there/) },
    ]);
  });
});

describe('kernel.headless', () => {
  const target = (name: string) => ({
    'etc/systemd/system/default.target': { link: `/lib/systemd/system/${name}` },
  });
  const manager = {
    'etc/systemd/system/display-manager.service': { link: '/lib/systemd/system/gdm.service' },
  };

  it('is well without a desktop', async () => {
    expect(await say('kernel.headless', target('multi-user.target'), orinNeeds)).toMatchObject([
      { status: 'ok' },
    ]);
    expect(await say('kernel.headless', { ...target('multi-user.target'), ...manager })).toMatchObject([
      { status: 'ok' },
    ]);
    expect(await say('kernel.headless', target('graphical.target'))).toMatchObject([{ status: 'ok' }]);
  });

  it('warns of one that is started at boot', async () => {
    const said = await say('kernel.headless', { ...target('graphical.target'), ...manager }, orinNeeds);
    expect(said).toMatchObject([
      {
        status: 'warn',
        evidence: expect.stringMatching(/graphical\.target; display manager: gdm\.service/),
        fix: expect.stringMatching(/multi-user\.target/),
      },
    ]);
  });

  it('warns of one that runs', async () => {
    const said = await say(
      'kernel.headless',
      { 'proc/812/comm': 'Xorg\n', 'proc/813/comm': 'bash\n' },
      orinNeeds,
    );
    expect(said).toMatchObject([
      { status: 'warn', what: expect.stringMatching(/Xorg/), evidence: expect.stringMatching(/process 812/) },
    ]);
  });

  it('is nothing to a VM without devices', async () => {
    expect(await say('kernel.headless', { 'proc/812/comm': 'Xorg\n' }, {})).toEqual([]);
  });
});
