import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parseVmFile } from '../../src/config/index.js';
import { hostDevices } from '../../src/vm/host-devices.js';
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
  return { sysroot, devices, journals, before: snapshot(sysroot) };
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

  it('are refused with all that is in the way, before anything is changed', async () => {
    const { sysroot, devices, before } = host(['17000000.gpu', '9999.none']);
    await expect(devices().check()).rejects.toMatchObject({
      code: 'GPUVM_DEVICE',
      message: expect.stringContaining('9999.none'),
    });
    expect(snapshot(sysroot)).toEqual(before);
  });
});
