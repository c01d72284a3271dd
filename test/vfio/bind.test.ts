import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { DeviceLocks, Journal, recover, stateFolders } from '../../src/journal/index.js';
import {
  bindDevices,
  type DeviceRequest,
  deviceRequests,
  planBinding,
  type Quirk,
} from '../../src/vfio/index.js';
import {
  addProcess,
  buildFakeHost,
  type FakeDevice,
  nameOf,
  referenceDevices,
  snapshot,
} from './fake-host.js';
import { FakeKernel, type Fault } from './fake-kernel.js';

const folders: string[] = [];
const journals: Journal[] = [];
afterEach(async () => {
  for (const journal of journals.splice(0)) await journal.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function host(devices: readonly FakeDevice[] = referenceDevices, fault?: Fault) {
  const sysroot = buildFakeHost({ devices });
  const stateDir = mkdtempSync(join(tmpdir(), 'gpuvm-state-'));
  folders.push(sysroot, stateDir);
  const kernel = new FakeKernel(sysroot, fault);
  const state = stateFolders({ stateDir });
  const open = async () => {
    const journal = await Journal.open({
      folder: state.journal,
      vm: 'gpu-vm',
      sysroot,
      writer: kernel,
      patienceMs: 50,
    });
    journals.push(journal);
    return journal;
  };
  return { sysroot, kernel, state, open, before: snapshot(sysroot) };
}

const requests: readonly DeviceRequest[] = referenceDevices
  .filter(({ driver }) => driver !== 'pcieport')
  .map(({ bus, name }) => ({ bus, name }));

const gpu: DeviceRequest = { bus: 'platform', name: '17000000.gpu' };

async function bound(parts: ReturnType<typeof host>, wanted = requests, quirks?: readonly Quirk[]) {
  const plan = await planBinding(wanted, { sysroot: parts.sysroot, folders: parts.state }, quirks);
  const journal = await parts.open();
  return { plan, journal, devices: await bindDevices(plan, journal) };
}

describe('binding', () => {
  it('takes every device to VFIO, and gives all back as they were', async () => {
    const parts = host();
    const { devices, plan } = await bound(parts);
    expect(plan.findings.filter(({ status }) => status === 'fail')).toEqual([]);
    for (const { bus, name } of requests)
      expect(nameOf(join(parts.sysroot, `sys/bus/${bus}/devices/${name}/driver`)), name).toBe(`vfio-${bus}`);
    const report = await devices.restore();
    expect(report.ok).toBe(true);
    expect(snapshot(parts.sysroot)).toEqual(parts.before);
    expect(readdirSync(parts.state.journal)).toEqual([]);
  });

  it('writes in the order that the kernel needs, and undoes in reverse', async () => {
    const parts = host();
    const { devices } = await bound(parts, [gpu]);
    await devices.restore();
    const device = '/sys/bus/platform/devices/17000000.gpu/driver_override';
    expect(parts.kernel.writes).toEqual([
      '/sys/bus/platform/drivers/gk20a-dummy/unbind ← 17000000.gpu',
      `${device} ← vfio-platform`,
      '/sys/bus/platform/drivers_probe ← 17000000.gpu',
      '/sys/bus/platform/drivers/vfio-platform/unbind ← 17000000.gpu',
      `${device} ← `,
      '/sys/bus/platform/drivers/gk20a-dummy/bind ← 17000000.gpu',
    ]);
  });

  it('leaves alone what is with VFIO already', async () => {
    const parts = host();
    const { plan, devices } = await bound(parts, [{ bus: 'platform', name: '15540000.nvjpg' }]);
    expect(plan.steps).toEqual([]);
    await devices.restore();
    expect(snapshot(parts.sysroot)).toEqual(parts.before);
  });

  it.each([
    ['refuses', 'EINVAL', /EINVAL.*what had been changed was put back/],
    ['takes the write and does nothing', 'ignore', /driver is not there.*dmesg.*was put back/],
    ['never comes back', 'hang', /does not come back.*was put back/],
  ])('puts everything back where the kernel %s', async (_how, fault, message) => {
    const parts = host(referenceDevices, (path, value) =>
      path.endsWith('drivers_probe') && value === '13800000.display' ? fault : undefined,
    );
    await expect(bound(parts)).rejects.toMatchObject({
      code: 'GPUVM_BIND',
      message: expect.stringMatching(message),
    });
    expect(snapshot(parts.sysroot)).toEqual(parts.before);
  });

  it('goes on with the others where one device cannot be given back, and recovers it later', async () => {
    let broken = true;
    const parts = host(referenceDevices, (path, value) =>
      broken && path.endsWith('vfio-platform/unbind') && value === '17000000.gpu' ? 'hang' : undefined,
    );
    const { devices, journal } = await bound(parts);
    addProcess(parts.sysroot, 4242, 'passed-on', ['anon_inode:[vfio-device]']);
    const report = await devices.restore();
    rmSync(join(parts.sysroot, 'proc/4242'), { recursive: true });
    const failed = report.steps.filter(({ outcome }) => outcome === 'failed');
    expect(failed.map(({ id }) => id)).toEqual(
      ['bind', 'override', 'unbind'].map((verb) => `platform/17000000.gpu/${verb}`),
    );
    // Its own reason, with who may be behind it; not that of what was not tried after it.
    expect(failed[0]!.why).toMatch(/does not come back; passed-on \(process 4242\) has a VFIO device open/);
    expect(failed[1]!.why).toMatch(/not tried/);
    const now = snapshot(parts.sysroot);
    const different = Object.keys({ ...now, ...parts.before }).filter(
      (path) => now[path] !== parts.before[path],
    );
    expect(different.filter((path) => !/17000000\.gpu|vfio\/13$/.test(path))).toEqual([]);
    await journal.close();
    broken = false;
    // The owner of the journal is this process: it is put right by whoever takes it over.
    const adopted = await Journal.adopt(journal.path, { sysroot: parts.sysroot, writer: parts.kernel });
    expect((await adopted!.undo()).ok).toBe(true);
    expect(snapshot(parts.sysroot)).toEqual(parts.before);
  });

  it('leaves a device with VFIO at the end where it is asked to, but not after a failure', async () => {
    const leave = { ...gpu, restore: 'leave' as const };
    const parts = host();
    const { devices } = await bound(parts, [leave]);
    const report = await devices.restore();
    expect(report).toMatchObject({
      ok: true,
      steps: [{ outcome: 'left' }, { outcome: 'left' }, { outcome: 'left' }],
    });
    expect(nameOf(join(parts.sysroot, 'sys/bus/platform/devices/17000000.gpu/driver'))).toBe('vfio-platform');
    expect(readdirSync(parts.state.journal)).toEqual([]);

    const failing = host(referenceDevices, (path, value) =>
      path.endsWith('drivers_probe') && value === '15340000.vic' ? 'EINVAL' : undefined,
    );
    await expect(bound(failing, [leave, { bus: 'platform', name: '15340000.vic' }])).rejects.toThrow();
    expect(snapshot(failing.sysroot)).toEqual(failing.before);
  });

  it('never gives a device back to a driver that a quirk forbids it', async () => {
    const parts = host();
    const quirk: Quirk = {
      match: { bus: 'platform', driver: /gk20a/ },
      neverRebind: true,
      reason: 'it sulks',
    };
    const { devices, plan } = await bound(parts, [gpu], [quirk]);
    expect(plan.findings.find(({ id }) => id === 'vfio.quirk/17000000.gpu')).toMatchObject({
      status: 'warn',
    });
    const report = await devices.restore();
    expect(report.ok).toBe(true);
    expect(report.steps.map(({ outcome, why }) => [outcome, why])).toEqual(
      Array.from({ length: 3 }, () => ['left', '17000000.gpu stays with vfio-platform: it sulks']),
    );
    expect(nameOf(join(parts.sysroot, 'sys/bus/platform/devices/17000000.gpu/driver'))).toBe('vfio-platform');
  });

  it('resets first what a quirk says', async () => {
    const parts = host();
    const quirk: Quirk = {
      match: { bus: 'pci', identity: /^10de:/ },
      resetFirst: true,
      reason: 'it is untidy',
    };
    await bound(
      parts,
      [0, 1, 2].map((at) => ({ bus: 'pci' as const, name: `0000:01:00.${at}` })),
      [quirk],
    );
    const resets = parts.kernel.writes.filter((write) => write.includes('/reset'));
    expect(resets).toHaveLength(3);
  });

  it('keeps a second VM off its devices, and names the first', async () => {
    const parts = host();
    const { devices } = await bound(parts, [gpu]);
    const plan = await planBinding([gpu], { sysroot: parts.sysroot, folders: parts.state });
    expect(plan.findings.find(({ id }) => id === 'vfio.claim/17000000.gpu')).toMatchObject({
      status: 'fail',
      what: `17000000.gpu is taken by VM gpu-vm (process ${process.pid})`,
    });
    await expect(
      DeviceLocks.acquire(['platform/17000000.gpu'], { folder: parts.state.locks, vm: 'b' }),
    ).rejects.toMatchObject({
      code: 'GPUVM_LOCKED',
      message: `platform/17000000.gpu is taken by VM gpu-vm (process ${process.pid})`,
    });
    await devices.restore();
    await (
      await DeviceLocks.acquire(['platform/17000000.gpu'], { folder: parts.state.locks, vm: 'b' })
    ).release();
  });

  it('waits for nobody that has the group open: it says who', async () => {
    const parts = host();
    const { devices } = await bound(parts, [gpu]);
    addProcess(parts.sysroot, 4242, 'qemu-system-aar', ['/dev/null', '/dev/vfio/13']);
    const report = await devices.restore();
    expect(report.steps[0]).toMatchObject({
      outcome: 'failed',
      why: expect.stringMatching(/qemu-system-aar \(process 4242\) has \/dev\/vfio\/13 open/),
    });
    rmSync(join(parts.sysroot, 'proc/4242'), { recursive: true });
    expect((await devices.restore()).ok).toBe(true);
    expect(snapshot(parts.sysroot)).toEqual(parts.before);
  });

  it('waits for nobody that has the device open by its own node, whose number it learns then', async () => {
    const parts = host();
    const { devices } = await bound(parts, [gpu]);
    const folder = join(parts.sysroot, 'sys/bus/platform/devices/17000000.gpu/vfio-dev');
    mkdirSync(join(folder, 'vfio3'), { recursive: true });
    writeFileSync(join(folder, 'vfio3/uevent'), 'MAJOR=243\nMINOR=3\nDEVNAME=vfio/devices/vfio3\n');
    writeFileSync(join(folder, 'vfio3/dev'), '243:3\n');
    addProcess(parts.sysroot, 4242, 'node', ['/dev/iommu', '/dev/vfio/devices/vfio3']);
    addProcess(parts.sysroot, 4243, 'node', ['/dev/vfio/devices/vfio4']);
    const report = await devices.restore();
    expect(report.steps[0]).toMatchObject({
      outcome: 'failed',
      why: 'node (process 4242) has /dev/vfio/devices/vfio3 open: end that first',
    });
    rmSync(join(parts.sysroot, 'proc/4242'), { recursive: true });
    expect((await devices.restore()).ok).toBe(true);
    for (const path of [folder, join(parts.sysroot, 'proc/4243')]) rmSync(path, { recursive: true });
    expect(snapshot(parts.sysroot)).toEqual(parts.before);
  });

  it('gives the group to the account that QEMU runs as, and takes it back', async () => {
    if (process.getuid?.() !== 0) return;
    const parts = host();
    const account = { name: 'qemu', uid: 107, gids: [107] };
    const plan = await planBinding([gpu], { sysroot: parts.sysroot, account });
    const devices = await bindDevices(plan, await parts.open());
    const { statSync } = await import('node:fs');
    expect(statSync(join(parts.sysroot, 'dev/vfio/13')).uid).toBe(107);
    expect((await devices.restore()).ok).toBe(true);
    expect(snapshot(parts.sysroot)).toEqual(parts.before);
  });

  describe('of a device that comes into its group when it is bound', () => {
    const hs: DeviceRequest = { bus: 'platform', name: '60000000.vm_hs_p' };
    const late = (group: string): FakeDevice[] =>
      referenceDevices.map((device) => {
        if (device.name !== hs.name) return device;
        const { group: _group, ...rest } = device;
        return { ...rest, files: { 'of_node/iommus': group } };
      });

    it('gives that group to the account that QEMU runs as', async () => {
      if (process.getuid?.() !== 0) return;
      const parts = host(late('30'));
      const account = { name: 'qemu', uid: 107, gids: [107] };
      const plan = await planBinding([hs], { sysroot: parts.sysroot, account });
      expect(plan.findings.filter(({ status }) => status === 'fail')).toEqual([]);
      const devices = await bindDevices(plan, await parts.open());
      const { statSync } = await import('node:fs');
      expect(statSync(join(parts.sysroot, 'dev/vfio/30')).uid).toBe(107);
      expect((await devices.restore()).ok).toBe(true);
      expect(existsSync(join(parts.sysroot, 'dev/vfio/30'))).toBe(false);
    });

    it('is not given back while somebody has that group open', async () => {
      const parts = host(late('30'));
      const { devices } = await bound(parts, [hs]);
      addProcess(parts.sysroot, 4242, 'qemu-system-aar', ['/dev/null', '/dev/vfio/30']);
      const report = await devices.restore();
      expect(report.steps[0]).toMatchObject({ outcome: 'failed', why: expect.stringContaining('4242') });
      rmSync(join(parts.sysroot, 'proc/4242'), { recursive: true });
      expect((await devices.restore()).ok).toBe(true);
    });

    it('refuses a group that the host uses too, and puts everything back', async () => {
      const parts = host(late('15'));
      const plan = await planBinding([hs], { sysroot: parts.sysroot });
      await expect(bindDevices(plan, await parts.open())).rejects.toMatchObject({
        code: 'GPUVM_DEVICE',
        message: expect.stringMatching(/group 15 also has 15340000\.vic \(tegra-vic\).*was put back/),
      });
      const device = join(parts.sysroot, 'sys/bus/platform/devices', hs.name);
      expect(existsSync(join(device, 'driver'))).toBe(false);
      expect(readFileSync(join(device, 'driver_override'), 'utf8')).toBe('(null)\n');
    });
  });

  it('refuses where anything is in the way, with all of it', async () => {
    const parts = host();
    const plan = await planBinding(
      [
        { bus: 'platform', name: '17000000.gpuu' },
        { bus: 'pci', name: '0000:01:00.0' },
      ],
      { sysroot: parts.sysroot },
    );
    await expect(bindDevices(plan, await parts.open())).rejects.toMatchObject({
      code: 'GPUVM_DEVICE',
      details: {
        mistakes: [
          expect.stringMatching(/no platform device 17000000\.gpuu: the nearest is 17000000\.gpu/),
          expect.stringMatching(
            /group 2 also has 0000:01:00\.1 \(snd_hda_intel\), 0000:01:00\.2 \(xhci_hcd\)/,
          ),
        ],
      },
    });
    expect(snapshot(parts.sysroot)).toEqual(parts.before);
  });

  it('refuses a device that was changed since it was looked at', async () => {
    const parts = host();
    const plan = await planBinding([gpu], { sysroot: parts.sysroot });
    writeFileSync(join(parts.sysroot, 'sys/devices/platform/17000000.gpu/driver_override'), 'somebody\n');
    await expect(bindDevices(plan, await parts.open())).rejects.toThrow(
      /driver_override is "somebody", which it was not a moment ago/,
    );
    expect(nameOf(join(parts.sysroot, 'sys/bus/platform/devices/17000000.gpu/driver'))).toBe('gk20a-dummy');
  });

  it("takes a VM file's devices in their order", () => {
    expect(
      deviceRequests({
        platformDevices: [{ host: 'a' }, { host: 'b', restore: 'previous' }],
        pciDevices: [{ host: '0000:01:00.0' }],
        restore: 'leave',
      }).map(({ name, restore }) => [name, restore]),
    ).toEqual([
      ['a', 'leave'],
      ['b', 'previous'],
      ['0000:01:00.0', 'leave'],
    ]);
  });

  it('has its journal readable by root alone, and one line for each change', async () => {
    const parts = host();
    const { journal } = await bound(parts, [gpu]);
    const text = readFileSync(journal.path, 'utf8');
    expect(text.split('\n').map((line) => line.slice(0, 7))).toEqual([
      '{"journ',
      '{"do":{',
      '{"done"',
      '{"do":{',
      '{"done"',
      '{"do":{',
      '{"done"',
      '{"activ',
      '',
    ]);
    expect(existsSync(journal.path)).toBe(true);
    const report = await recover({ folders: parts.state, sysroot: parts.sysroot });
    expect(report.journals).toMatchObject([{ state: 'alive', vm: 'gpu-vm' }]);
  });
});
