import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { addonLoads, nodeVersion, wrapper } from '../../../src/cli/doctor/checks/gpuvm.js';
import { gather } from '../../../src/cli/doctor/given.js';
import { GpuvmError } from '../../../src/errors.js';

const folder = mkdtempSync(join(tmpdir(), 'gpuvm-install-'));
const native = vi.hoisted(() => ({ addon: vi.fn(), folder: '' }));
native.folder = folder;
vi.mock(import('../../../src/native/index.js'), async (original) => ({
  ...(await original()),
  addon: native.addon,
  nativeProgram: (name: string) => `${native.folder}/${name}`,
}));

afterEach(() => void vi.restoreAllMocks());
afterAll(() => rmSync(folder, { recursive: true }));

const like = (pattern: RegExp) => expect.stringMatching(pattern);
const given = await gather({ sysroot: folder });

describe('gpuvm.addon', () => {
  it('fails with the reason where it does not load', async () => {
    native.addon.mockImplementation(() => {
      const cause = new Error('was compiled against a different Node.js version\nusing …');
      throw new GpuvmError('GPUVM_ADDON_MISSING', 'cannot be loaded', { cause });
    });
    expect(await addonLoads.run(given)).toMatchObject([
      {
        status: 'fail',
        evidence: like(/gpuvm\.node: was compiled against a different Node\.js version$/),
        fix: like(/build:addon/),
      },
    ]);
  });

  it('fails where it is of another version', async () => {
    native.addon.mockReturnValue({ createMemory: () => 0, tryLockFile: () => true });
    expect(await addonLoads.run(given)).toMatchObject([
      { status: 'fail', what: like(/it has no getAffinity/) },
    ]);
  });
});

describe('gpuvm.exec', () => {
  it('fails where it is not there, or cannot be executed', async () => {
    expect(await wrapper.run(given)).toMatchObject([
      { status: 'fail', what: like(/is not there/), fix: like(/build:addon/) },
    ]);
    const path = join(folder, 'gpuvm-exec');
    writeFileSync(path, '');
    chmodSync(path, 0o644);
    expect(await wrapper.run(given)).toMatchObject([
      { status: 'fail', what: like(/cannot be executed/), fix: `chmod 0755 ${path}` },
    ]);
    chmodSync(path, 0o755);
    expect(await wrapper.run(given)).toMatchObject([{ status: 'ok' }]);
  });
});

describe('gpuvm.node', () => {
  it.each([
    ['18.20.4', 'fail'],
    ['20.18.1', 'fail'],
    ['20.19.0', 'ok'],
    ['22.0.0', 'ok'],
  ])('of %s is %s', async (node, status) => {
    vi.spyOn(process, 'versions', 'get').mockReturnValue({ ...process.versions, node });
    expect(await nodeVersion.run(given)).toMatchObject([{ status }]);
  });
});
