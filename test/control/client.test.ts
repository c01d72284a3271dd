import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ControlClient, findVm, listVms } from '../../src/control/index.js';
import { GpuvmError } from '../../src/errors.js';
import { FakeVm } from './fake-vm.js';
import { Sandbox } from './sandbox.js';

const isRoot = process.getuid!() === 0;
let sandbox: Sandbox;
let vm: FakeVm;

beforeEach(() => {
  sandbox = new Sandbox();
  vm = new FakeVm();
});
afterEach(() => sandbox.clear());

async function leaveSocket(path: string): Promise<void> {
  const program = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  const child = spawn(process.execPath, ['-e', program], { stdio: 'ignore' });
  await new Promise((resolve) => child.once('exit', resolve));
}

describe('a client', () => {
  it('asks for the status', async () => {
    await sandbox.serve(vm);
    const client = await findVm('orin', sandbox.env);
    expect(await client.status()).toEqual(await vm.status());
  });

  it('pauses, resumes, resets and stops', async () => {
    await sandbox.serve(vm);
    const client = new ControlClient({ path: sandbox.path('orin') });
    expect(await client.pause()).toMatchObject({ state: 'paused' });
    expect(await client.resume()).toMatchObject({ state: 'running' });
    expect(await client.reset()).toMatchObject({ state: 'running' });
    expect(await client.stop()).toMatchObject({ state: 'stopping' });
    expect(await client.stop({ now: true })).toMatchObject({ state: 'stopping' });
    expect(vm.calls).toEqual(['pause', 'resume', 'reset', 'stop', 'stop']);
  });

  it('throws the error that the VM threw', async () => {
    vm.onQmp = (command, args) => {
      if (command === 'query-status') return { running: true, args };
      throw new GpuvmError('GPUVM_QMP_COMMAND', 'QEMU refused it', { details: { class: 'CommandNotFound' } });
    };
    await sandbox.serve(vm);
    const client = await findVm('orin', sandbox.env);
    expect(await client.qmp('query-status', { a: 1 }, { deadlineMs: 5_000 })).toEqual({
      running: true,
      args: { a: 1 },
    });
    await expect(client.qmp('nonsense')).rejects.toMatchObject({
      code: 'GPUVM_QMP_COMMAND',
      message: 'QEMU refused it',
      exitStatus: 70,
      details: { class: 'CommandNotFound', httpStatus: 422 },
    });
  });

  it('can be told to stop following', async () => {
    await sandbox.serve(vm);
    const client = await findVm('orin', sandbox.env);
    const controller = new AbortController();
    vm.happen('one');
    const seen: string[] = [];
    for await (const { event } of client.events({ follow: true, signal: controller.signal })) {
      seen.push(event);
      controller.abort();
    }
    expect(seen).toEqual(['one']);
    await expect.poll(() => vm.watchers).toBe(0);
  });
});

describe('a VM that cannot be reached', () => {
  it('does not run: nearest name, or all', async () => {
    await expect(findVm('orin', sandbox.env)).rejects.toMatchObject({
      code: 'GPUVM_VM_ABSENT',
      exitStatus: 69,
      message: 'no VM orin runs, nor any other',
    });
    await sandbox.serve(new FakeVm('orin-gpu-vm'));
    await sandbox.serve(new FakeVm('robot'));
    await expect(findVm('orin-gpuvm', sandbox.env)).rejects.toMatchObject({
      message: 'no VM orin-gpuvm runs: did you mean orin-gpu-vm?',
    });
    await expect(findVm('zebra', sandbox.env)).rejects.toMatchObject({
      message: 'no VM zebra runs: there are orin-gpu-vm, robot',
    });
    const path = sandbox.path('robto');
    await expect(new ControlClient({ path }).status()).rejects.toMatchObject({
      message: 'no VM robto runs: did you mean robot?',
    });
    await expect(findVm('../robot', sandbox.env)).rejects.toMatchObject({ code: 'GPUVM_USAGE' });
  });

  it('has a supervisor that died', async () => {
    const path = sandbox.path('orin');
    await leaveSocket(path);
    const told = {
      code: 'GPUVM_VM_ABSENT',
      message: `orin does not run: its supervisor died and left ${path} behind; "gpuvm recover" puts the host right`,
      details: { stale: true },
    };
    await expect(findVm('orin', sandbox.env)).rejects.toMatchObject(told);
    await expect(new ControlClient({ path }).pause()).rejects.toMatchObject(told);
  });

  it.skipIf(!isRoot).each([
    [
      'the socket',
      0o755,
      'is for root and the group daemon: use sudo, or join it (usermod -aG daemon NAME, then log in again)',
    ],
    ['the folder', 0o750, 'is for root alone: use sudo, or set control.group in the VM file'],
  ])('is for others, as %s says (needs root)', async (_what, mode, message) => {
    chmodSync(sandbox.folder, 0o755);
    const folder = join(sandbox.folder, 'run');
    mkdirSync(folder, { mode });
    const path = join(folder, 'orin.sock');
    // Its folder is made before, so that the group opens only the socket.
    await sandbox.serve(vm, { path, group: mode === 0o750 ? undefined : 'daemon' });
    await asStranger(async () => {
      await expect(new ControlClient({ path }).status()).rejects.toMatchObject({
        code: 'GPUVM_CONTROL_PERMISSION',
        exitStatus: 77,
        message: `${path} ${message}`,
      });
    });
  });

  it.skipIf(!isRoot)('may not be listed either, and the list says so (needs root)', async () => {
    chmodSync(sandbox.folder, 0o755);
    const folder = join(sandbox.folder, 'run');
    await sandbox.serve(vm, { path: join(folder, 'orin.sock'), group: 'daemon' });
    await asStranger(async () => {
      const { vms, barred } = await listVms({ GPUVM_RUNTIME_DIR: folder });
      expect(vms).toEqual([]);
      expect(barred.map(({ message }) => message)).toEqual([
        `${folder}/*.sock is for root and the group daemon: use sudo, or join it (usermod -aG daemon NAME, then log in again)`,
      ]);
      await expect(findVm('orin', { GPUVM_RUNTIME_DIR: folder })).resolves.toBeInstanceOf(ControlClient);
    });
  });

  it('is none of gpuvm', async () => {
    const path = sandbox.path('orin');
    const other: Server = createServer((_request, response) => response.end('<html>hello'));
    await new Promise<void>((resolve) => other.listen(path, resolve));
    await expect(new ControlClient({ path }).status()).rejects.toMatchObject({
      code: 'GPUVM_CONTROL',
      message: 'what answers on the socket is no supervisor of gpuvm: "<html>hello"',
    });
    await expect(new ControlClient({ path }).console()).rejects.toMatchObject({ code: 'GPUVM_CONTROL' });
    other.close();
  });

  it('does not answer', async () => {
    vm.status = () => new Promise(() => {});
    await sandbox.serve(vm);
    const path = sandbox.path('orin');
    await expect(new ControlClient({ path, deadlineMs: 50 }).status()).rejects.toMatchObject({
      code: 'GPUVM_CONTROL',
      message: `nothing was answered on ${path} within 50 ms`,
    });
  });
});

describe('the list', () => {
  it('has all, the dead too, by name', async () => {
    await sandbox.serve(new FakeVm('b'));
    await sandbox.serve(new FakeVm('a'));
    await leaveSocket(sandbox.path('c'));
    writeFileSync(join(sandbox.folder, 'd.sock'), 'no socket');
    writeFileSync(join(sandbox.folder, 'notes.txt'), '');
    const { vms, barred } = await listVms(sandbox.env);
    expect(vms).toMatchObject([
      { name: 'a', status: { state: 'running' } },
      { name: 'b', status: { state: 'running' } },
      { name: 'c', problem: { code: 'GPUVM_VM_ABSENT' } },
    ]);
    expect(barred).toEqual([]);
  });

  it('is empty where there is no folder', async () => {
    expect(await listVms({ GPUVM_RUNTIME_DIR: '/nowhere' })).toEqual({ vms: [], barred: [] });
  });
});

/** Does something as a user who is in no group of interest. */
async function asStranger(act: () => Promise<void>): Promise<void> {
  const groups = process.getgroups!();
  process.setgroups!([]);
  process.setegid!(54_321);
  process.seteuid!(54_321);
  try {
    await act();
  } finally {
    process.seteuid!(0);
    process.setegid!(0);
    process.setgroups!(groups);
  }
}
