import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DeviceLocks, stateFolders } from '../../../src/journal/index.js';
import { addProcess, buildFakeHost } from '../../vfio/fake-host.js';
import { ask, removeFolder } from './ask.js';

const sysroot = buildFakeHost({
  devices: [{ bus: 'platform', name: '17000000.gpu', group: '13', driver: 'vfio-platform' }],
  files: {
    'proc/self/limits': 'Max locked memory         65536                65536                bytes\n',
  },
});
beforeAll(() => void vi.stubEnv('GPUVM_STATE_DIR', ''));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(sysroot, { recursive: true });
  removeFolder();
});

const like = (pattern: RegExp) => expect.stringMatching(pattern);
const text =
  'name: orin\nmachine: virt\nmemory: 1G\nqemu: { binary: /nowhere/qemu }\nplatformDevices: [{ host: 17000000.gpu }]\n';
const status = (pid: number) => ({
  name: 'orin',
  state: 'running',
  since: '',
  supervisorPid: process.pid,
  restarts: 0,
  pid,
});

describe('vfio.claim and vfio.holders', () => {
  const claimed = async (running?: ReturnType<typeof status>) => {
    const locks = await DeviceLocks.acquire(['platform/17000000.gpu'], {
      folder: stateFolders({ sysroot }).locks,
      vm: 'orin',
    });
    try {
      return await ask('vfio.claim', text, { sysroot, change: { running } });
    } finally {
      await locks.release();
    }
  };

  it('are well where nobody has it', async () => {
    expect(await ask('vfio.claim', text, { sysroot })).toMatchObject([{ status: 'ok' }]);
    expect(await ask('vfio.holders', text, { sysroot })).toMatchObject([{ status: 'ok' }]);
  });

  it('fail where somebody has it, and not where it is the VM itself, which runs', async () => {
    expect(await claimed()).toMatchObject([{ status: 'fail', what: like(/taken by VM orin/) }]);
    expect(await claimed(status(900))).toMatchObject([
      { status: 'ok', what: '17000000.gpu is with orin, which runs' },
    ]);
    addProcess(sysroot, 900, 'qemu-system-aar', ['/dev/vfio/13']);
    const holders = (pid?: number) =>
      ask('vfio.holders', text, {
        sysroot,
        change: { running: pid === undefined ? undefined : status(pid) },
      });
    expect(await holders()).toMatchObject([{ status: 'fail', what: like(/process 900/) }]);
    expect(await holders(900)).toMatchObject([{ status: 'ok' }]);
    expect(await holders(901)).toMatchObject([{ status: 'fail' }]);
    addProcess(sysroot, 950, 'other', ['/dev/vfio/13']);
    expect(await holders(900)).toMatchObject([{ status: 'fail', what: like(/900.*950/) }]);
    for (const pid of ['900', '950']) rmSync(join(sysroot, 'proc', pid), { recursive: true });
  });
});

describe('vfio.memlock', () => {
  it('is about the memory that VFIO will pin, and lifted for an account of its own', async () => {
    const own = { name: 'gpuvm', uid: 4_242, gid: 4_242 };
    expect(await ask('vfio.memlock', text, { sysroot, change: { account: own } })).toMatchObject([
      { status: 'ok', evidence: like(/infinity/) },
    ]);
    const [said] = await ask('vfio.memlock', text, { sysroot });
    expect(said).toMatchObject({ status: 'fail', evidence: like(/guest memory: 1 GiB/) });
  });
});

it('plan says of devices on the host what vfio has not said', async () => {
  const ids = (await ask('plan.shape', text, { sysroot })).map(({ id }) => id);
  expect(ids).toEqual(['plan.shape/17000000.gpu']);
  expect(await ask('vfio.iommu', text, { sysroot })).toHaveLength(1);
});
