import { chmodSync, utimesSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { BackendConfig } from '../../../src/bpmp/backend/index.js';
import { Aspect } from '../../../src/bpmp/mediator/aspects.js';
import { LedgerFile } from '../../../src/bpmp/worker/ledger-file.js';
import { ownIdentity } from '../../../src/journal/index.js';
import { cleanUp, type Entry, hostWith } from '../../host/checks/tree.js';
import { ask, removeFolder } from './ask.js';

// The folder is to be the sysroot's own.
beforeAll(() => void vi.stubEnv('GPUVM_STATE_DIR', ''));
afterAll(() => {
  vi.unstubAllEnvs();
  removeFolder();
  cleanUp();
});

const like = (pattern: RegExp) => expect.stringMatching(pattern);
const vm = 'name: orin\nmachine: virt\n';
const withDevice = `${vm}pciDevices: [{ host: "0000:01:00.0" }]\n`;

it.each(['gpuvm.node', 'gpuvm.addon', 'gpuvm.exec'])('%s is well here', async (id) => {
  expect(await ask(id, undefined)).toMatchObject([{ status: 'ok' }]);
});

describe('gpuvm.state', () => {
  it('is well where journals can be kept, and nothing to a VM without devices', async () => {
    const sysroot = hostWith({ 'var/lib/': '' });
    expect(await ask('gpuvm.state', withDevice, { sysroot })).toMatchObject([{ status: 'ok' }]);
    expect(await ask('gpuvm.state', vm, { sysroot })).toEqual([]);
  });

  it('fails where a file is in the way', async () => {
    const sysroot = hostWith({ 'var/lib/gpuvm': '' });
    expect(await ask('gpuvm.state', withDevice, { sysroot })).toMatchObject([
      { status: 'fail', fix: like(/GPUVM_STATE_DIR/) },
    ]);
    expect(await ask('gpuvm.state', undefined, { sysroot })).toMatchObject([{ status: 'warn' }]);
  });
});

describe('gpuvm.runtime', () => {
  it('is well where the folder is, or can be made; and fails where a file is', async () => {
    expect(await ask('gpuvm.runtime', vm, { sysroot: hostWith({ 'run/gpuvm/': '' }) })).toMatchObject([
      { status: 'ok' },
    ]);
    expect(await ask('gpuvm.runtime', vm, { sysroot: hostWith({ 'run/': '' }) })).toMatchObject([
      { status: 'ok', evidence: like(/would be made in/) },
    ]);
    expect(await ask('gpuvm.runtime', vm, { sysroot: hostWith({ 'run/gpuvm': '' }) })).toMatchObject([
      { status: 'fail' },
    ]);
  });
});

describe('gpuvm.journal', () => {
  const boot = 'one';
  const journal = (owner: { pid: number; startTime: number }, kept = false) => {
    const step = {
      id: 'override',
      kind: 'write',
      subject: 'platform/17000000.gpu',
      what: 'mean it for vfio-platform',
      path: '/sys/x',
      value: 'vfio-platform',
      undo: { path: '/sys/x', value: '\n' },
    };
    const lines = [
      { journal: 'gpuvm', version: 1, vm: 'orin', boot, time: '2025-01-01T00:00:00Z', ...owner },
      { do: step },
      { done: 'override' },
      ...(kept ? [{ kept: 'as asked' }] : []),
    ];
    return hostWith({
      'proc/sys/kernel/random/boot_id': `${boot}\n`,
      'var/lib/gpuvm/journal/orin-1.ndjson': lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    });
  };
  const dead = { pid: 2 ** 22 + 1, startTime: 1 };

  it('warns of one whose owner is gone', async () => {
    expect(await ask('gpuvm.journal', undefined, { sysroot: journal(dead) })).toMatchObject([
      {
        id: 'gpuvm.journal/orin',
        status: 'warn',
        what: like(/orin was killed, and the host is not as it was: platform\/17000000\.gpu/),
        fix: 'gpuvm recover',
      },
    ]);
  });

  it('is well with one whose owner lives, one that is meant to stay, and with none', async () => {
    expect(await ask('gpuvm.journal', undefined, { sysroot: journal(ownIdentity()) })).toMatchObject([
      { status: 'ok', evidence: like(/in use by orin/) },
    ]);
    expect(await ask('gpuvm.journal', undefined, { sysroot: journal(dead, true) })).toMatchObject([
      { status: 'ok', evidence: like(/meant to stay: orin/) },
    ]);
    expect(await ask('gpuvm.journal', undefined, { sysroot: hostWith({}) })).toMatchObject([
      { status: 'ok' },
    ]);
  });
});

describe('gpuvm.ledger', () => {
  const ledger = (sysroot: string, vm: string) =>
    LedgerFile.create(join(sysroot, 'run/gpuvm/ledgers', vm, 'ledger'), {
      vm,
      backend: { kind: 'simulated' } as BackendConfig,
      policy: { file: 'p.yaml', text: '' },
    });

  it('warns of what a guest that is gone still holds, and of nothing else', async () => {
    const sysroot = hostWith({});
    expect(await ask('gpuvm.ledger', undefined, { sysroot })).toMatchObject([{ status: 'ok' }]);
    const held = { aspect: Aspect.CLOCK_STATE, before: 0, now: 1, shared: false };
    const orin = ledger(sysroot, 'orin');
    orin.records.hold({ ...held, id: 304 });
    orin.records.hold({ ...held, id: 41 });
    ledger(sysroot, 'empty');
    const alive = ledger(sysroot, 'alive');
    alive.records.hold({ ...held, id: 41 });
    alive.setGuest(1);
    expect(await ask('gpuvm.ledger', undefined, { sysroot })).toMatchObject([
      { id: 'gpuvm.ledger/orin', status: 'warn', what: like(/left 2 of/), fix: 'gpuvm recover' },
    ]);
  });
});

describe('gpuvm.socket', () => {
  it('is well where there is none', async () => {
    expect(await ask('gpuvm.socket', undefined, { sysroot: hostWith({}) })).toMatchObject([{ status: 'ok' }]);
  });

  it('warns of one at which nobody answers', async () => {
    const sysroot = hostWith({ 'run/gpuvm/': '' });
    chmodSync(join(sysroot, 'run/gpuvm'), 0o750);
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(join(sysroot, 'run/gpuvm/orin.sock'), resolve));
    try {
      expect(await ask('gpuvm.socket', undefined, { sysroot })).toMatchObject([
        { id: 'gpuvm.socket/orin', status: 'warn', fix: like(/^gpuvm recover/) },
      ]);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

describe('gpuvm.qemu-alone', () => {
  const process_ = (
    pid: number,
    name: string,
    parent: number,
    ...words: string[]
  ): Record<string, Entry> => ({
    [`proc/${pid}/cmdline`]: `${words.join('\0')}\0`,
    [`proc/${pid}/status`]: `Name:\t${name}\nState:\tS (sleeping)\nPPid:\t${parent}\n`,
  });
  const qemu = (parent: number, pid = 500) =>
    process_(
      pid,
      'qemu-system-aar',
      parent,
      'qemu-system-aarch64',
      '-name',
      'orin',
      '-S',
      '-qmp',
      'unix:/run/gpuvm-a1B2c3/qmp,server=on,wait=off',
    );
  const init = process_(1, 'systemd', 0, '/sbin/init');

  it.each([
    ['init', { ...init, ...qemu(1) }],
    [
      "a user's systemd",
      { ...init, ...process_(300, 'systemd', 1, '/lib/systemd/systemd', '--user'), ...qemu(300) },
    ],
    ['nobody', { ...init, ...qemu(77) }],
    ['the init of a container', { ...process_(1, 'tini', 0, 'tini'), ...qemu(1) }],
  ])('warns of a QEMU that %s has been given', async (_who, files) => {
    expect(await ask('gpuvm.qemu-alone', undefined, { sysroot: hostWith(files) })).toMatchObject([
      { id: 'gpuvm.qemu-alone/orin', status: 'warn', what: like(/process 500/), fix: like(/^kill 500/) },
    ]);
  });

  it.each([
    ['its supervisor', { ...init, ...process_(400, 'node', 1, 'node', 'gpuvm', 'run'), ...qemu(400) }],
    ['a supervisor that is process 1', { ...process_(1, 'node', 0, 'node', 'gpuvm'), ...qemu(1) }],
    [
      'nobody of ours',
      { ...init, ...process_(9, 'qemu', 1, 'qemu-system-x86_64', '-qmp', 'unix:/run/libvirt/qmp') },
    ],
  ])('leaves one alone that is with %s', async (_who, files) => {
    expect(await ask('gpuvm.qemu-alone', undefined, { sysroot: hostWith(files) })).toMatchObject([
      { status: 'ok' },
    ]);
  });
});

describe('systemd.unit', () => {
  const unit = (program: string) =>
    `[Service]\nExecStart=${program} \\\n    /usr/lib/gpuvm/main.js run /etc/gpuvm/orin.yaml\n`;
  const programs = { 'usr/bin/node': '', 'usr/lib/gpuvm/main.js': '' };
  const recover = { 'etc/systemd/system/gpuvm-recover.service': '' };
  const path = 'etc/systemd/system/gpuvm-orin.service';

  it('is well where none is installed', async () => {
    expect(await ask('systemd.unit', vm, { sysroot: hostWith({}) })).toMatchObject([
      { status: 'ok', what: like(/no unit/) },
    ]);
  });

  it('says what is amiss with one', async () => {
    const sysroot = hostWith({ [path]: unit('/opt/node/bin/node') });
    utimesSync(join(sysroot, path), 1, 1);
    const found = await ask('systemd.unit', vm, { sysroot });
    expect(found).toMatchObject([
      {
        id: 'systemd.unit/program',
        status: 'fail',
        what: like(/\/opt\/node\/bin\/node/),
        fix: like(/gpuvm unit .* --install/),
      },
      { id: 'systemd.unit/age', status: 'warn' },
      { id: 'systemd.unit/recover', status: 'warn' },
    ]);
  });

  it('is well with a newer unit of its own, or a template', async () => {
    const sysroot = hostWith({ [path]: unit('/usr/bin/node'), ...programs, ...recover });
    utimesSync(join(sysroot, path), 4e9, 4e9);
    expect(await ask('systemd.unit', vm, { sysroot })).toMatchObject([
      { status: 'ok', evidence: `/${path}` },
    ]);
    const template = { 'usr/lib/systemd/system/gpuvm@.service': unit('"/usr/bin/node"') };
    expect(
      await ask('systemd.unit', vm, { sysroot: hostWith({ ...template, ...programs, ...recover }) }),
    ).toMatchObject([{ status: 'ok', evidence: '/usr/lib/systemd/system/gpuvm@.service' }]);
  });
});
