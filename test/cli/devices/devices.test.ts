import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { run as bind } from '../../../src/cli/devices/bind.js';
import { run as groups } from '../../../src/cli/devices/groups.js';
import { run as list } from '../../../src/cli/devices/list.js';
import { run as regions } from '../../../src/cli/devices/regions.js';
import { run as unbind } from '../../../src/cli/devices/unbind.js';
import { run as recover } from '../../../src/cli/recover.js';
import { Journal, stateFolders } from '../../../src/journal/index.js';
import { bindDevices, planBinding } from '../../../src/vfio/index.js';
import { buildFakeHost, referenceDevices, snapshot } from '../../vfio/fake-host.js';
import { FakeKernel } from '../../vfio/fake-kernel.js';
import { world } from '../world.js';

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

function host() {
  const sysroot = buildFakeHost({ devices: referenceDevices });
  const stateDir = mkdtempSync(join(tmpdir(), 'gpuvm-state-'));
  roots.push(sysroot, stateDir);
  const call = async (
    run: typeof bind,
    args: string[] = [],
    { json = false, ...options }: Record<string, unknown> = {},
  ) => {
    const around = world('', { json: json === true });
    const status = await run({ args, options: { sysroot, stateDir, ...options } }, around.context);
    return { status, stdout: around.stdout, stderr: around.stderr };
  };
  return { sysroot, stateDir, call };
}

/** Devices that are bound by hand; the tree's files do not react to the command's own writes, so this does. */
async function bound({ sysroot, stateDir }: ReturnType<typeof host>, name: string, kept = true) {
  const folders = stateFolders({ stateDir });
  const plan = await planBinding([{ bus: 'platform', name }], { sysroot, folders });
  const writer = new FakeKernel(sysroot);
  const journal = await Journal.open({ folder: folders.journal, vm: 'devices', sysroot, writer });
  const devices = await bindDevices(plan, journal);
  if (kept) await journal.keep('bound by gpuvm devices bind');
  else await journal.close();
  await devices.release();
}

describe('gpuvm devices', () => {
  it('lists devices and groups in columns', async () => {
    const { call } = host();
    const { stdout } = await call(list);
    expect(stdout[0]).toMatch(/^DEVICE +BUS +GROUP +DRIVER +VM +OPEN IN$/);
    expect(stdout.find((line) => line.startsWith('17000000.gpu'))).toMatch(
      /platform +13 +gk20a-dummy +- +-$/,
    );
    const listed = await call(groups);
    expect(listed.stdout[1]).toMatch(/^2 +no +0000:00:01\.0 +pci +pcieport$/);
    expect(listed.stdout[2]).toMatch(/^ +0000:01:00\.0 +pci +nouveau$/);
  });

  it('lists as JSON', async () => {
    const { call } = host();
    const { devices } = JSON.parse((await call(list, [], { json: true })).stdout.join('')) as {
      devices: unknown[];
    };
    expect(devices).toHaveLength(referenceDevices.length);
  });

  it('undoes what it did where the kernel does not do its part, and says so', async () => {
    const { call, sysroot, stateDir } = host();
    // The real writer writes, and these files do not react.
    await expect(call(bind, ['17000000.gpu'])).rejects.toMatchObject({
      code: 'GPUVM_BIND',
      message: expect.stringMatching(/did not take 17000000\.gpu off gk20a-dummy.*was put back/),
    });
    expect(readdirSync(join(stateDir, 'journal'))).toEqual([]);
    expect(readFileSync(join(sysroot, 'sys/devices/platform/17000000.gpu/driver_override'), 'utf8')).toBe(
      '(null)\n',
    );
  });

  it('has nothing to bind where all is with VFIO', async () => {
    const { call, stateDir } = host();
    expect(await call(bind, ['15540000.nvjpg'])).toMatchObject({
      status: 0,
      stdout: ['nothing to do: all of them are with VFIO'],
    });
    expect(readdirSync(join(stateDir, 'journal'))).toEqual([]);
  });

  it('names the device that is not there', async () => {
    const { call } = host();
    await expect(call(bind, ['17000000.gppu'])).rejects.toMatchObject({
      code: 'GPUVM_DEVICE',
      message: expect.stringMatching(/the nearest is 17000000\.gpu/),
    });
  });

  it('gives back only what it has a record of', async () => {
    const at = host();
    await expect(at.call(unbind, ['17000000.gpu'])).rejects.toMatchObject({
      code: 'GPUVM_DEVICE',
      message: expect.stringMatching(/no record of 17000000\.gpu/),
    });
    expect(await at.call(unbind)).toMatchObject({
      status: 0,
      stderr: ['gpuvm: there is nothing to give back'],
    });
    await bound(at, '17000000.gpu', false);
    await expect(at.call(unbind, ['17000000.gpu'])).rejects.toThrow(/which was killed: gpuvm recover/);
  });

  it('says what could not be given back, and ends with 71', async () => {
    const at = host();
    await bound(at, '60000000.vm_hs_p');
    // These files do not react, so the device stays where it is.
    const { status, stdout } = await at.call(unbind, ['60000000.vm_hs_p']);
    expect(status).toBe(71);
    expect(stdout[0]).toMatch(
      /^FAILED: bind 60000000\.vm_hs_p to vfio-platform: the kernel took the write, but/,
    );
    expect(readdirSync(join(at.stateDir, 'journal'))).toHaveLength(1);
  });
});

describe('gpuvm recover', () => {
  it('has nothing to do on a good host', async () => {
    const { call } = host();
    expect(await call(recover)).toEqual({
      status: 0,
      stdout: [],
      stderr: ['gpuvm: there is nothing to recover from'],
    });
  });

  it('says what it would do, and what it leaves alone', async () => {
    const at = host();
    await bound(at, '60000000.vm_hs_p', false);
    await bound(at, '80000000.vm_cma_p');
    const before = snapshot(at.sysroot);
    const { status, stdout } = await at.call(recover, [], { dryRun: true });
    expect(status).toBe(0);
    expect([...stdout].sort()).toEqual([
      '  undone: bind 60000000.vm_hs_p to vfio-platform',
      '  undone: mean 60000000.vm_hs_p for vfio-platform alone',
      expect.stringMatching(/^devices: left alone: its changes are meant to stay .*--force devices\)/),
      'devices: would be put right',
    ]);
    expect(snapshot(at.sysroot)).toEqual(before);
  });

  it('ends with 71 where something stays, with 65 where a journal cannot be read', async () => {
    const at = host();
    await bound(at, '60000000.vm_hs_p', false);
    expect((await at.call(recover)).status).toBe(71);
    rmSync(join(at.stateDir, 'journal'), { recursive: true });
    await bound(at, '80000000.vm_cma_p', false);
    const [name] = readdirSync(join(at.stateDir, 'journal'));
    writeFileSync(join(at.stateDir, 'journal', name!), 'nonsense\n');
    const { status, stdout } = await at.call(recover);
    expect(status).toBe(65);
    expect(stdout[0]).toMatch(/^devices: cannot be read: .*:1: this is no header of a journal: set aside as/);
  });

  it.each([
    ['an offset without a length', { dump: ['0'] }, /takes an offset and a length/],
    ['more than two numbers', { dump: ['0', '1', '2'] }, /takes an offset and a length/],
    ['no numbers', { dump: ['0', '-4'] }, /"-4" is no number/],
    ['a length of nothing', { dump: ['0', '0'] }, /1 byte to 1 MiB/],
    ['too much', { dump: ['0', '0x100001'] }, /1 byte to 1 MiB/],
    ['a region and nothing of it', { region: 'bar0' }, /--dump OFFSET LENGTH/],
  ])('dumps no region where %s is asked for', async (_, options, message) => {
    const { call } = host();
    await expect(call(regions, ['17000000.gpu'], options)).rejects.toMatchObject({
      code: 'GPUVM_USAGE',
      message: expect.stringMatching(message),
    });
  });

  it('shows regions of devices only that are with VFIO', async () => {
    const { call } = host();
    await expect(call(regions, ['17000000.gpu'])).rejects.toMatchObject({
      code: 'GPUVM_DEVICE',
      message: expect.stringMatching(
        /with gk20a-dummy, not with vfio-platform: gpuvm devices bind 17000000\.gpu/,
      ),
    });
  });
});
