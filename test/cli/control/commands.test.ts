import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Call } from '../../../src/cli/command.js';
import { commands } from '../../../src/cli/commands/index.js';
import { GpuvmError } from '../../../src/errors.js';
import { FakeVm } from '../../control/fake-vm.js';
import { until } from '../../control/raw.js';
import { world } from '../world.js';
import { Vms } from './vms.js';

const vms = new Vms();

async function gpuvm(words: string[], options: Call['options'] = {}, json = false) {
  const [path, ...args] = words;
  const command = commands.find((candidate) => candidate.path === path)!;
  const { run } = await command.load();
  const surroundings = world('', { json });
  const status = await run({ args, options }, surroundings.context);
  return { status, stdout: surroundings.stdout, stderr: surroundings.stderr };
}

describe('gpuvm ps', () => {
  it('is a table, with the dead and why', async () => {
    const second = new FakeVm('a-second-vm');
    second.status = () => ({
      name: 'a-second-vm',
      state: 'waiting',
      since: '2026-01-31T12:00:00.000Z',
      supervisorPid: 1,
      restarts: 12,
    });
    await vms.sandbox.serve(second);
    const { status, stdout, stderr } = await gpuvm(['ps']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: [] });
    expect(stdout).toEqual([
      'NAME         STATE    PID   UP         RESTARTS  REQUESTS',
      'a-second-vm  waiting                   12',
      'orin         running  4242  1 h 2 min  2         11 allow, 3 deny, 1 absorb',
    ]);
  });

  it('is a list of documents', async () => {
    const { stdout } = await gpuvm(['ps'], {}, true);
    expect(JSON.parse(stdout[0]!)).toEqual([
      { socket: vms.sandbox.path('orin'), ...(await vms.vm.status()) },
    ]);
  });

  it('says that there is none', async () => {
    process.env.GPUVM_RUNTIME_DIR = '/nowhere';
    expect(await gpuvm(['ps'])).toEqual({ status: 0, stdout: [], stderr: ['gpuvm: no VM runs'] });
    expect(await gpuvm(['ps'], {}, true)).toEqual({ status: 0, stdout: ['[]'], stderr: [] });
  });

  it('lists what does not answer, and says so', async () => {
    vms.vm.status = () => {
      throw new GpuvmError('GPUVM_INTERNAL', 'oh');
    };
    const { stdout, stderr } = await gpuvm(['ps']);
    expect(stdout[1]).toBe('orin  silent');
    expect(stderr).toEqual(['gpuvm: oh']);
  });
});

describe('gpuvm status', () => {
  const lines = [
    'orin: running',
    '  since      2026-01-31T12:00:00.000Z',
    '  up         1 h 2 min',
    `  processes  QEMU 4242, supervisor ${process.pid}`,
    '  restarts   2',
    '  requests   11 allow, 3 deny, 1 absorb',
    '  devices    17000000.gpu',
    '  VM file    /etc/gpuvm/orin.yaml',
  ];

  it('says it in words, by name', async () => {
    expect(await gpuvm(['status', 'orin'])).toEqual({ status: 0, stdout: lines, stderr: [] });
  });

  it("finds it by its socket's path, and by its VM file, even one with mistakes", async () => {
    expect((await gpuvm(['status', vms.sandbox.path('orin')])).stdout).toEqual(lines);
    const file = join(vms.sandbox.folder, 'vm.yaml');
    writeFileSync(file, 'name: orin\nmachine: virt\n');
    expect((await gpuvm(['status', file])).stdout).toEqual(lines);
    writeFileSync(file, 'name: orin\nmachin: virt\n');
    expect((await gpuvm(['status', file])).stdout).toEqual(lines);
    writeFileSync(file, 'machine: virt\n');
    await expect(gpuvm(['status', file])).rejects.toMatchObject({ code: 'GPUVM_CONFIG' });
  });

  it('finds it by its VM file where that names the socket', async () => {
    const path = join(vms.sandbox.folder, 'elsewhere');
    await vms.sandbox.serve(new FakeVm('other'), { path });
    const file = join(vms.sandbox.folder, 'vm.yaml');
    writeFileSync(file, 'name: other\nmachine: virt\ncontrol: { socket: elsewhere }\n');
    expect((await gpuvm(['status', file])).stdout[0]).toBe('other: running');
  });

  it('is one document', async () => {
    const { stdout } = await gpuvm(['status', 'orin'], {}, true);
    expect(JSON.parse(stdout[0]!)).toMatchObject({ name: 'orin', socket: vms.sandbox.path('orin') });
  });

  it('names the nearest where there is none, and a file that is not there', async () => {
    await expect(gpuvm(['status', 'orni'])).rejects.toMatchObject({
      code: 'GPUVM_VM_ABSENT',
      message: 'no VM orni runs: did you mean orin?',
    });
    await expect(gpuvm(['status', './vm.yaml'])).rejects.toMatchObject({ code: 'GPUVM_FILE' });
    await expect(gpuvm(['status', '/nowhere/x.sock'])).rejects.toMatchObject({ code: 'GPUVM_VM_ABSENT' });
  });
});

describe('gpuvm pause, resume, reset, stop', () => {
  it('ask it of the VM, and say what state it is in then', async () => {
    expect((await gpuvm(['pause', 'orin'])).stderr).toEqual(['gpuvm: orin: paused']);
    expect((await gpuvm(['resume', 'orin'])).stderr).toEqual(['gpuvm: orin: running']);
    expect((await gpuvm(['reset', 'orin'])).stderr).toEqual(['gpuvm: orin: reset, running']);
    expect(JSON.parse((await gpuvm(['pause', 'orin'], {}, true)).stdout[0]!)).toMatchObject({
      state: 'paused',
    });
    expect((await gpuvm(['stop', 'orin'])).stderr).toEqual(['gpuvm: orin: stopping']);
    expect(vms.vm.calls).toEqual(['pause', 'resume', 'reset', 'pause', 'stop']);
  });

  it('pass on why not', async () => {
    vms.vm.pause = () => Promise.reject(new GpuvmError('GPUVM_VM_STATE', 'orin is stopping'));
    await expect(gpuvm(['pause', 'orin'])).rejects.toMatchObject({
      code: 'GPUVM_VM_STATE',
      exitStatus: 75,
      message: 'orin is stopping',
    });
  });

  it('wait for the end, and say how it was', async () => {
    const stopping = gpuvm(['stop', 'orin'], { wait: true, now: true });
    await until(() => vms.vm.calls.length === 2, 'it is asked');
    const ending = { ending: 'stopped', message: "the VM was stopped by QMP's quit" };
    vms.vm.status = () =>
      ({ ...(new FakeVm().status() as ReturnType<FakeVm['status']> & object), ending }) as never;
    const { sandbox } = vms;
    await sandbox.clear();
    expect(await stopping).toEqual({
      status: 0,
      stdout: [],
      stderr: ["gpuvm: orin: the VM was stopped by QMP's quit"],
    });
  });
});

describe('gpuvm logs and events', () => {
  it('print what there is', async () => {
    vms.vm.log('qemu: one');
    vms.vm.happen('state', { state: 'running' }, '2026-01-31T12:00:00.000Z');
    vms.vm.happen('rung', { rung: 'quit' }, '2026-01-31T12:00:01.000Z');
    expect((await gpuvm(['logs', 'orin'])).stdout).toEqual(['qemu: one']);
    expect((await gpuvm(['logs', 'orin'], {}, true)).stdout).toEqual(['{"line":"qemu: one"}']);
    expect((await gpuvm(['events', 'orin'])).stdout).toEqual([
      '{"event":"state","time":"2026-01-31T12:00:00.000Z","state":"running"}',
      '{"event":"rung","time":"2026-01-31T12:00:01.000Z","rung":"quit"}',
    ]);
    expect((await gpuvm(['events', 'orin'], { since: '2026-01-31T12:00:00Z' })).stdout.length).toBe(1);
    await expect(gpuvm(['events', 'orin'], { since: 'noon' })).rejects.toMatchObject({
      code: 'GPUVM_USAGE',
      message: '--since "noon" is no time: write it as 2026-01-31T12:00:00Z',
    });
  });

  it.each(['logs', 'events'])('%s go on until the VM ends', async (path) => {
    const following = gpuvm([path, 'orin'], { follow: true });
    await until(() => vms.vm.watchers === 1, 'it follows');
    vms.vm.log('last words');
    vms.vm.happen('end', { text: 'last words' });
    await vms.sandbox.clear();
    const { stdout } = await following;
    expect(stdout.length).toBe(1);
    expect(stdout[0]).toContain('last words');
  });
});

describe('gpuvm qmp', () => {
  const given = async (...words: string[]) => {
    let seen: unknown;
    vms.vm.onQmp = (_command, args) => {
      seen = args;
      return {};
    };
    await gpuvm(['qmp', 'orin', 'x', ...words]);
    return seen;
  };

  it("prints what QEMU returns: for people, for programs, and the monitor's text", async () => {
    vms.vm.onQmp = (command) =>
      command === 'human-monitor-command' ? 'one\r\ntwo\r\n' : { status: 'running', running: true };
    expect((await gpuvm(['qmp', 'orin', 'query-status'])).stdout).toEqual([
      '{',
      '  "status": "running",',
      '  "running": true',
      '}',
    ]);
    expect((await gpuvm(['qmp', 'orin', 'query-status'], {}, true)).stdout).toEqual([
      '{"status":"running","running":true}',
    ]);
    expect((await gpuvm(['qmp', 'orin', 'human-monitor-command'])).stdout).toEqual(['one', 'two']);
  });

  it('takes arguments as words or as an object', async () => {
    expect(await given()).toBeUndefined();
    expect(
      await given('path=/machine', 'cpu-index=0', 'on=true', 'list=[1,2]', 'text="5"', 'line=a=b', 'none='),
    ).toEqual({
      path: '/machine',
      'cpu-index': 0,
      on: true,
      list: [1, 2],
      text: '5',
      line: 'a=b',
      none: '',
    });
    expect(await given('{"path": "/machine"}')).toEqual({ path: '/machine' });
    for (const [words, message] of [
      [['path'], '"path" is not key=value, nor a JSON object'],
      [['=x'], '"=x" is not key=value, nor a JSON object'],
      [['a=1', 'a=2'], 'a is given twice'],
      [['{"a":1'], expect.stringContaining('the arguments are not JSON')],
    ] as const) {
      await expect(given(...words)).rejects.toMatchObject({ code: 'GPUVM_USAGE', message });
    }
    expect(await given('__proto__=1')).toEqual(JSON.parse('{"__proto__":1}'));
  });

  it("ends with QEMU's refusal, and refuses a deadline that is none", async () => {
    vms.vm.onQmp = () => {
      throw new GpuvmError('GPUVM_QMP_COMMAND', 'no such command', { details: { class: 'CommandNotFound' } });
    };
    await expect(gpuvm(['qmp', 'orin', 'x'])).rejects.toMatchObject({
      code: 'GPUVM_QMP_COMMAND',
      details: { class: 'CommandNotFound' },
    });
    await expect(gpuvm(['qmp', 'orin', 'x'], { deadline: '5s' })).rejects.toMatchObject({
      code: 'GPUVM_USAGE',
    });
  });
});
