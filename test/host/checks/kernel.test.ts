import { afterAll, describe, expect, it } from 'vitest';
import { cleanUp, configOf, orinNeeds, RELEASE, release, say, tegra } from './tree.js';

afterAll(cleanUp);

describe('kernel.version', () => {
  it('is well from 5.14 on', async () => {
    expect(await say('kernel.version', release)).toMatchObject([{ status: 'ok', what: `Linux ${RELEASE}` }]);
  });

  it.each([
    ['5.10.104-tegra', true, 'fail'],
    ['5.10.104-tegra', false, 'warn'],
    ['4.19.0', true, 'fail'],
  ])('%s with interposed %s is a %s', async (version, interposed, status) => {
    const said = await say('kernel.version', { 'proc/sys/kernel/osrelease': version }, { interposed });
    expect(said).toMatchObject([{ status, fix: expect.stringContaining('vfio-user') }]);
  });

  it('says that calls can be interrupted before 5.19, to whom it concerns', async () => {
    const [old] = await say('kernel.version', release, { interposed: true });
    expect(old!.what).toMatch(/interrupted before 5\.19/);
    const [fresh] = await say(
      'kernel.version',
      { 'proc/sys/kernel/osrelease': '6.8.0' },
      { interposed: true },
    );
    expect(fresh!.what).toBe('Linux 6.8.0');
  });

  it('warns where it is not known', async () => {
    expect(await say('kernel.version', {})).toMatchObject([
      { status: 'warn', what: expect.stringMatching(/not known/) },
    ]);
  });
});

describe('kernel.config', () => {
  const plain = 'CONFIG_ARM64=y\nCONFIG_KVM=y\n# CONFIG_VFIO is not set\n';

  it.each([`boot/config-${RELEASE}`, `lib/modules/${RELEASE}/config`, `usr/lib/modules/${RELEASE}/config`])(
    'is read from /%s',
    async (path) => {
      const said = await say('kernel.config', { ...release, [path]: plain });
      expect(said).toMatchObject([{ status: 'ok', evidence: `/${path}: 2 options` }]);
    },
  );

  it('is read from /proc/config.gz before all others', async () => {
    const said = await say('kernel.config', {
      ...release,
      ...configOf('KVM=y'),
      [`boot/config-${RELEASE}`]: plain,
    });
    expect(said[0]!.evidence).toBe('/proc/config.gz: 1 options');
  });

  it('passes over one that is no gzip', async () => {
    const files = { ...release, 'proc/config.gz': 'nonsense', [`boot/config-${RELEASE}`]: plain };
    expect((await say('kernel.config', files))[0]!.evidence).toMatch(/^\/boot\/config-/);
  });

  it('warns where there is none, and no option is judged', async () => {
    const said = await say('kernel.config', release);
    expect(said).toMatchObject([{ status: 'warn', fix: expect.stringContaining('modprobe configs') }]);
    expect(said[0]!.evidence).toContain(`/boot/config-${RELEASE}`);
    expect(await say('kernel.option', release, orinNeeds)).toEqual([]);
  });
});

describe('kernel.option', () => {
  const all = [
    'ARM64=y',
    'VFIO=m',
    'VFIO_PLATFORM=m',
    'VFIO_PCI=m',
    'IOMMUFD=m',
    'ARM_SMMU=y',
    'KVM=y',
    'SECCOMP_FILTER=y',
    'MEMFD_CREATE=y',
    'TEGRA_BPMP_HOST_PROXY=y',
  ];

  it('is well where all are set, one of two alternatives too', async () => {
    const said = await say('kernel.option', { ...configOf(...all), ...tegra }, orinNeeds);
    expect(said.map(({ status }) => status)).toEqual(said.map(() => 'ok'));
    expect(said.map(({ on }) => on)).toEqual([
      'CONFIG_VFIO',
      'CONFIG_VFIO_PLATFORM',
      'CONFIG_VFIO_IOMMU_TYPE1',
      'CONFIG_ARM_SMMU',
      'CONFIG_KVM',
      'CONFIG_SECCOMP_FILTER',
      'CONFIG_TEGRA_BPMP_HOST_PROXY',
    ]);
    expect(said[2]!.what).toMatch(/^CONFIG_IOMMUFD=m/);
  });

  it.each(all.slice(1).map((each) => each.split('=')[0]!))('misses %s', async (name) => {
    const files = { ...configOf(...all.filter((option) => !option.startsWith(`${name}=`))), ...tegra };
    const needs = { ...orinNeeds, pciDevices: true, memfd: true };
    const failed = (await say('kernel.option', files, needs)).filter(({ status }) => status !== 'ok');
    const on = name === 'IOMMUFD' ? 'CONFIG_VFIO_IOMMU_TYPE1' : `CONFIG_${name}`;
    expect(failed).toMatchObject([
      { on, status: 'fail', fix: expect.stringContaining(`${on}=${/VFIO|KVM/.test(on) ? 'm' : 'y'}`) },
    ]);
    const warned = (await say('kernel.option', files)).filter(({ status }) => status !== 'ok');
    expect(warned).toMatchObject([{ on, status: 'warn' }]);
  });

  it('is passed over where no VM needs it', async () => {
    expect(await say('kernel.option', configOf('X86=y'), {})).toEqual([]);
  });

  it('asks a PC for its own IOMMU, and only then', async () => {
    const on = async (...options: string[]) =>
      (await say('kernel.option', configOf(...options))).map((said) => said.on);
    expect(await on('X86=y')).toContain('CONFIG_INTEL_IOMMU');
    expect(await on('X86=y')).not.toContain('CONFIG_ARM_SMMU');
    expect(await on('ARM64=y')).not.toContain('CONFIG_INTEL_IOMMU');
  });

  it('believes what is there more than what was configured', async () => {
    const said = await say('kernel.option', { ...configOf('X86=y'), 'dev/kvm': '' }, { kvm: true });
    expect(said).toMatchObject([{ on: 'CONFIG_KVM', status: 'ok' }]);
  });
});

describe('kernel.seccomp', () => {
  const path = 'proc/sys/kernel/seccomp/actions_avail';

  it('asks the kernel itself', async () => {
    expect(
      await say('kernel.seccomp', { [path]: 'kill trap errno user_notif allow\n' }, orinNeeds),
    ).toMatchObject([{ status: 'ok' }]);
    expect(await say('kernel.seccomp', { [path]: 'kill trap errno allow\n' }, orinNeeds)).toMatchObject([
      { status: 'fail', fix: expect.stringContaining('CONFIG_SECCOMP_FILTER') },
    ]);
  });

  it('is a warning without a VM, and nothing for a VM with another bridge', async () => {
    expect(await say('kernel.seccomp', {})).toMatchObject([{ status: 'warn' }]);
    expect(await say('kernel.seccomp', {}, {})).toEqual([]);
  });
});
