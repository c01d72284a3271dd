import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parseVmFile } from '../../src/config/index.js';
import { Journal, stateFolders } from '../../src/journal/index.js';
import { bindDevices, deviceRequests, planBinding } from '../../src/vfio/index.js';
import { hostDevices } from '../../src/vm/host-devices.js';
import { Supervisor } from '../../src/vm/index.js';
import { buildFakeHost, referenceDevices, snapshot } from '../vfio/fake-host.js';
import { FakeKernel } from '../vfio/fake-kernel.js';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function host(names: readonly string[]) {
  const sysroot = buildFakeHost({ devices: referenceDevices });
  const stateDir = mkdtempSync(join(tmpdir(), 'gpuvm-state-'));
  folders.push(sysroot, stateDir);
  const list = names.map((name) => `{ host: ${name} }`).join(', ');
  const config = parseVmFile(`name: gpu-vm\nmachine: virt\nplatformDevices: [${list}]`, { file: '/vm.yaml' });
  /** One supervisor process's. */
  const devices = () => hostDevices(config, { sysroot, stateDir, writer: new FakeKernel(sysroot) });
  const journals = () => readdirSync(join(stateDir, 'journal'));
  /** What is there when a supervisor of this VM, with this device, has been killed. */
  async function kill(vm: string, device: string): Promise<void> {
    const folders = stateFolders({ stateDir, sysroot });
    const theirs = parseVmFile(`name: ${vm}\nmachine: virt\nplatformDevices: [{ host: ${device} }]`, {
      file: '/other.yaml',
    });
    const plan = await planBinding(deviceRequests(theirs), { sysroot, folders });
    const writer = new FakeKernel(sysroot);
    const journal = await Journal.open({ folder: folders.journal, vm, sysroot, writer });
    const bound = await bindDevices(plan, journal);
    await bound.release();
    await journal.close();
  }
  return { sysroot, stateDir, config, devices, journals, kill, before: snapshot(sysroot) };
}

describe("a VM file's devices", () => {
  it('are checked, taken, and put back to what they were', async () => {
    const { sysroot, devices, journals, before } = host(['17000000.gpu']);
    const own = devices();
    await own.check();
    expect(snapshot(sysroot)).toEqual(before);
    const held = await own.take();
    expect(held.names).toEqual(['17000000.gpu']);
    expect(snapshot(sysroot)).not.toEqual(before);
    await held.opened?.(process.pid);
    await held.closed?.();
    const { undone, failed } = await held.restore();
    expect(failed).toEqual([]);
    expect(undone.join()).toContain('17000000.gpu');
    expect(snapshot(sysroot)).toEqual(before);
    expect(journals()).toEqual([]);
  });

  it('stay bound for the next supervisor, which puts them back from the same journal', async () => {
    const { sysroot, devices, journals, before } = host(['17000000.gpu']);
    const first = await devices().take();
    const during = snapshot(sysroot);
    await first.handOver?.();
    expect(snapshot(sysroot)).toEqual(during);
    const second = await devices().adopt!(first.journal!, first.names);
    expect(second.names).toEqual(['17000000.gpu']);
    // Nobody else gets them meanwhile.
    await expect(devices().take()).rejects.toThrow(/17000000\.gpu/);
    expect((await second.restore()).failed).toEqual([]);
    expect(snapshot(sysroot)).toEqual(before);
    expect(journals()).toEqual([]);
    await expect(devices().adopt!(first.journal!, first.names)).rejects.toThrow();
  });

  it('that a killed supervisor of the same VM left are put back first, and then taken', async () => {
    const { sysroot, devices, journals, kill, before } = host(['17000000.gpu']);
    await kill('gpu-vm', '17000000.gpu');
    expect(snapshot(sysroot)).not.toEqual(before);
    const own = devices();
    await expect(own.check()).rejects.toThrow('was not given back by gpu-vm, which was killed');
    const notes = await own.recover!();
    expect(notes).toEqual([expect.stringMatching(/^what a killed run left was taken back: .*17000000\.gpu/)]);
    expect(snapshot(sysroot)).toEqual(before);
    expect(journals()).toEqual([]);
    await own.check();
    const held = await own.take();
    await held.restore();
    expect(snapshot(sysroot)).toEqual(before);
    expect(await own.recover!()).toEqual([]);
  });

  it('go through a whole run of a supervisor that finds what was left', async () => {
    const { sysroot, config, devices, journals, kill, before } = host(['17000000.gpu']);
    await kill('gpu-vm', '17000000.gpu');
    const nowhere = { ...config, qemu: { binary: 'qemu-nowhere' } };
    const vm = new Supervisor(nowhere, { hostDevices: devices() });
    await expect(vm.run()).rejects.toThrow('there is no qemu-nowhere');
    expect(vm.logs().join()).toContain('what a killed run left was taken back: ');
    expect(vm.recentEvents().map(({ event }) => event)).toEqual(
      expect.arrayContaining(['devices', 'undone']),
    );
    expect(snapshot(sysroot)).toEqual(before);
    expect(journals()).toEqual([]);
  });

  it("that another VM's killed supervisor left stay as they are, an unreadable journal too", async () => {
    const { sysroot, stateDir, devices, journals, kill } = host(['17000000.gpu']);
    await kill('other-vm', '17000000.gpu');
    const [path] = journals();
    expect(path).toMatch(/^other-vm-/);
    const during = snapshot(sysroot);
    expect(await devices().recover!()).toEqual([]);
    expect(snapshot(sysroot)).toEqual(during);
    expect(journals()).toEqual([path]);
    await expect(devices().check()).rejects.toThrow('was not given back by other-vm, which was killed');

    const folder = stateFolders({ stateDir, sysroot }).journal;
    writeFileSync(join(folder, 'other-vm-1-1.ndjson'), 'no journal\n');
    expect(await devices().recover!()).toEqual([]);
    expect(journals()).toContain('other-vm-1-1.ndjson');
    writeFileSync(join(folder, 'gpu-vm-1-1.ndjson'), 'no journal\n');
    expect((await devices().recover!()).join()).toContain('must be put back by hand');
    expect(journals()).toContain('gpu-vm-1-1.ndjson.corrupt');
  });

  it('are refused with all that is in the way, before anything is changed', async () => {
    const { sysroot, devices, before } = host(['17000000.gpu', '9999.none']);
    await expect(devices().check()).rejects.toMatchObject({
      code: 'GPUVM_DEVICE',
      message: expect.stringContaining('9999.none'),
    });
    expect(snapshot(sysroot)).toEqual(before);
  });
});
