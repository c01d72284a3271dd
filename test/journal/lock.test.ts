import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DeviceLocks, lockHolder, ownIdentity } from '../../src/journal/index.js';

const root = mkdtempSync(join(tmpdir(), 'gpuvm-locks-'));
afterAll(() => rmSync(root, { recursive: true }));

let count = 0;
const newFolder = () => join(root, String(++count));

describe('DeviceLocks', () => {
  it('gives all or none, and names who has one of them', async () => {
    const folder = newFolder();
    const first = await DeviceLocks.acquire(['pci/b'], { folder, vm: 'first' });
    await expect(DeviceLocks.acquire(['pci/a', 'pci/b'], { folder, vm: 'second' })).rejects.toMatchObject({
      code: 'GPUVM_LOCKED',
      exitStatus: 75,
      message: `pci/b is taken by VM first (process ${process.pid})`,
      details: { subject: 'pci/b', holder: { vm: 'first', ...ownIdentity() } },
    });
    expect(lockHolder('pci/a', folder)).toBeUndefined();
    expect(lockHolder('pci/b', folder)).toMatchObject({ vm: 'first' });
    await first.release();
    expect(lockHolder('pci/b', folder)).toBeUndefined();
    await (await DeviceLocks.acquire(['pci/a', 'pci/b'], { folder, vm: 'second' })).release();
  });

  it('lets exactly one of many have a device', async () => {
    const folder = newFolder();
    const tries = await Promise.allSettled(
      Array.from({ length: 20 }, (_, at) => DeviceLocks.acquire(['x', 'y'], { folder, vm: `vm-${at}` })),
    );
    const won = tries.filter((result) => result.status === 'fulfilled');
    expect(won).toHaveLength(1);
    await won[0]!.value.release();
  });

  it('is not kept by a holder that is gone, whose pid may be somebody else’s by now', async () => {
    const folder = newFolder();
    mkdirSync(folder);
    const stale = { vm: 'old', pid: process.pid, startTime: ownIdentity().startTime - 1 };
    writeFileSync(join(folder, 'platform_gpu.lock'), JSON.stringify(stale));
    expect(lockHolder('platform/gpu', folder)).toBeUndefined();
    const locks = await DeviceLocks.acquire(['platform/gpu'], { folder, vm: 'new' });
    expect(lockHolder('platform/gpu', folder)).toMatchObject({ vm: 'new' });
    await locks.release();
  });

  it.each(['', 'x', '{}', '[1]', 'null'])('takes a lock whose file says %j', async (text) => {
    const folder = newFolder();
    mkdirSync(folder);
    writeFileSync(join(folder, 'a.lock'), text);
    expect(lockHolder('a', folder)).toBeUndefined();
    await (await DeviceLocks.acquire(['a'], { folder, vm: 'v' })).release();
  });

  it('says where it may not keep locks', async () => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    await expect(DeviceLocks.acquire(['a'], { folder: join(file, 'x'), vm: 'v' })).rejects.toMatchObject({
      code: 'GPUVM_FILE',
      message: expect.stringMatching(/cannot lock devices in .*: ENOTDIR; run as root, or give --state-dir/),
    });
  });
});
