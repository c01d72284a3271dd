import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { ask, folder, removeFolder } from './ask.js';

afterAll(removeFolder);

const like = (pattern: RegExp) => expect.stringMatching(pattern);
const policy = fileURLToPath(new URL('../../../examples/policies/gpu.yaml', import.meta.url));
const path = (name: string) => join(folder, name);

describe('file.vm', () => {
  it('is well', async () => {
    expect(await ask('file.vm', 'name: vm\nmachine: virt\n')).toMatchObject([
      { status: 'ok', what: like(/^vm is described/) },
    ]);
  });

  it('has a finding for each mistake, and the rest of the checks go on', async () => {
    const text = 'name: vm\nmachine: virt\nmemory: 4\nsmpp: 2\n';
    expect(await ask('file.vm', text)).toMatchObject([
      { id: 'file.vm/memory', status: 'fail', evidence: like(/:3:9$/), fix: like(/^gpuvm config check/) },
      { id: 'file.vm/smpp', status: 'fail', evidence: like(/:4:1$/) },
    ]);
    expect(await ask('file.there', text)).toEqual([]);
    expect(await ask('vfio.iommu', text)).toMatchObject([{ status: 'warn' }]);
  });

  it('fails where there is none', async () => {
    const { gather } = await import('../../../src/cli/doctor/given.js');
    const { vmFile } = await import('../../../src/cli/doctor/checks/files.js');
    expect(await vmFile.run(await gather({ file: '/nowhere.yaml' }))).toMatchObject([
      { status: 'fail', what: like(/nowhere\.yaml/), fix: like(/config example/) },
    ]);
  });

  it('is nothing without a file', async () => {
    expect(await ask('file.vm', undefined)).toEqual([]);
  });
});

describe('file.there', () => {
  it('is well where all are there, and names each that is not', async () => {
    writeFileSync(path('Image'), 'kernel');
    expect(await ask('file.there', `name: vm\nmachine: virt\nkernel: ${path('Image')}\n`)).toMatchObject([
      { status: 'ok' },
    ]);
    const text = 'name: vm\nmachine: virt\nkernel: no-kernel\ndisks: [{ file: no-disk }]\n';
    expect(await ask('file.there', text)).toMatchObject([
      { id: 'file.there/kernel', status: 'fail', what: like(/no-kernel is not there/) },
      { id: 'file.there/disks[1].file', status: 'fail', what: like(/no-disk is not there/) },
    ]);
  });
});

describe('file.policy', () => {
  const vm = (file: string) => `name: vm\nmachine: virt\nbridge: { kind: ivc }\npolicy: ${file}\n`;

  it('is well, or has a finding for each mistake', async () => {
    expect(await ask('file.policy', vm(policy))).toMatchObject([{ status: 'ok' }]);
    writeFileSync(path('bad.yaml'), 'version: 1\nsoc: tegra234\nclocks: [NO_SUCH_CLOCK]\n');
    const found = await ask('file.policy', vm(path('bad.yaml')));
    expect(found.length).toBeGreaterThan(0);
    expect(found.every(({ status, fix }) => status === 'fail' && fix?.startsWith('gpuvm policy check'))).toBe(
      true,
    );
    expect(await ask('file.policy', vm('/nowhere.yaml'))).toMatchObject([{ status: 'fail' }]);
  });
});

describe('file.access', () => {
  const account = { name: 'gpuvm', uid: 4_242, gid: 4_242 };
  const vm = (disk: string, more = '') => `name: vm\nmachine: virt\ndisks: [{ file: ${disk}${more} }]\n`;
  const made = (name: string, mode: number) => {
    const file = path(name);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, '');
    chmodSync(file, mode);
    return file;
  };
  chmodSync(folder, 0o755);

  it('is well where the mode lets the account', async () => {
    expect(await ask('file.access', vm(made('open.img', 0o666)), { change: { account } })).toMatchObject([
      { status: 'ok' },
    ]);
    expect(
      await ask('file.access', vm(made('read.img', 0o644), ', readonly: true'), { change: { account } }),
    ).toMatchObject([{ status: 'ok' }]);
  });

  it('fails where it may not write, or not read', async () => {
    const disk = made('closed.img', 0o644);
    expect(await ask('file.access', vm(disk), { change: { account } })).toMatchObject([
      { id: `file.access/${disk}`, status: 'fail', what: like(/may not write/), fix: like(/chown gpuvm/) },
    ]);
    const secret = made('secret.img', 0o600);
    expect(await ask('file.access', vm(secret, ', readonly: true'), { change: { account } })).toMatchObject([
      { status: 'fail', what: like(/may not read/) },
    ]);
  });

  it('fails where a folder above is closed', async () => {
    const disk = made('home/root.img', 0o666);
    chmodSync(path('home'), 0o700);
    expect(await ask('file.access', vm(disk), { change: { account } })).toMatchObject([
      { status: 'fail', what: like(/may not enter .*home/), fix: like(/setfacl -m u:gpuvm:x/) },
    ]);
  });

  it.runIf(process.getuid!() === 0)('counts the owner and the group', async () => {
    const disk = made('own.img', 0o600);
    chownSync(disk, 4_242, 0);
    expect(await ask('file.access', vm(disk), { change: { account } })).toMatchObject([{ status: 'ok' }]);
    chownSync(disk, 0, 4_242);
    expect(await ask('file.access', vm(disk), { change: { account } })).toMatchObject([{ status: 'fail' }]);
    chmodSync(disk, 0o660);
    expect(await ask('file.access', vm(disk), { change: { account } })).toMatchObject([{ status: 'ok' }]);
  });

  it('is nothing where QEMU runs as whoever runs gpuvm', async () => {
    expect(await ask('file.access', vm(path('closed.img')))).toEqual([]);
  });
});
