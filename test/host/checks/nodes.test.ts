import { afterAll, describe, expect, it } from 'vitest';
import { cleanUp, orinNeeds, say, tegra } from './tree.js';

afterAll(cleanUp);

const stranger = { name: 'gpuvm', uid: 4_242, gids: [4_242] };

describe.each([
  ['dev.kvm', 'dev/kvm', { kvm: true }],
  ['dev.tun', 'dev/net/tun', { tap: true }],
  ['dev.vhost-net', 'dev/vhost-net', { vhostNet: true }],
] as const)('%s', (id, path, needs) => {
  it('is well where the account may open it', async () => {
    expect(await say(id, { [path]: { mode: 0o666 } }, { ...needs, account: stranger })).toMatchObject([
      { status: 'ok', what: `the account gpuvm may open /${path}` },
    ]);
  });

  it('fails where it is not there, or not for the account', async () => {
    expect(await say(id, {}, needs)).toMatchObject([
      { status: 'fail', what: expect.stringMatching(new RegExp(`no /${path}`)) },
    ]);
    expect(await say(id, { [path]: { mode: 0o660 } }, { ...needs, account: stranger })).toMatchObject([
      {
        status: 'fail',
        what: expect.stringMatching(new RegExp(`gpuvm may not open /${path}`)),
        fix: expect.stringMatching(/setfacl|usermod/),
      },
    ]);
  });

  it('is not needed by a VM that does without', async () => {
    expect(await say(id, {}, {})).toMatchObject([{ status: 'ok', what: `/${path} is not needed` }]);
  });
});

it('dev.kvm is a warning without a VM', async () => {
  expect(await say('dev.kvm', {})).toMatchObject([{ status: 'warn' }]);
  expect(await say('dev.tun', {})).toEqual([]);
});

describe('dev.bpmp-host', () => {
  const node = 'dev/bpmp-host';

  it("is well where it is gpuvm's and out of QEMU's reach", async () => {
    expect(
      await say('dev.bpmp-host', { [node]: { mode: 0o600 } }, { ...orinNeeds, account: stranger }),
    ).toMatchObject([{ status: 'ok', what: '/dev/bpmp-host is there, and out of the reach of gpuvm' }]);
  });

  it("fails within the reach of QEMU's account", async () => {
    expect(
      await say('dev.bpmp-host', { [node]: { mode: 0o666 } }, { ...orinNeeds, account: stranger }),
    ).toMatchObject([
      {
        status: 'fail',
        what: expect.stringMatching(/can open \/dev\/bpmp-host himself/),
        fix: expect.stringMatching(/chmod 0600/),
      },
    ]);
  });

  it('warns where QEMU would run as whoever may open it', async () => {
    expect(await say('dev.bpmp-host', { [node]: { mode: 0o600 } }, orinNeeds)).toMatchObject([
      { status: 'warn', fix: expect.stringMatching(/qemu\.user/) },
    ]);
  });

  it('fails where it is not there, and looks at the path that the VM file has', async () => {
    expect(await say('dev.bpmp-host', {}, orinNeeds)).toMatchObject([
      { status: 'fail', fix: expect.stringMatching(/CONFIG_TEGRA_BPMP_HOST_PROXY/) },
    ]);
    expect(await say('dev.bpmp-host', {}, { ...orinNeeds, bpmpDevice: '/dev/other' })).toMatchObject([
      { what: expect.stringMatching(/no \/dev\/other/) },
    ]);
  });

  it('warns on a Tegra without a VM where everybody may open it', async () => {
    expect(await say('dev.bpmp-host', { ...tegra, [node]: { mode: 0o666 } })).toMatchObject([
      { status: 'warn', what: expect.stringMatching(/everybody/) },
    ]);
    expect(await say('dev.bpmp-host', { ...tegra, [node]: { mode: 0o600 } })).toMatchObject([
      { status: 'ok' },
    ]);
    expect(await say('dev.bpmp-host', tegra)).toMatchObject([{ status: 'warn' }]);
  });

  it('is nothing elsewhere', async () => {
    expect(await say('dev.bpmp-host', {})).toEqual([]);
    expect(await say('dev.bpmp-host', tegra, {})).toEqual([]);
  });
});
