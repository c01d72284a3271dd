import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { endLeftovers, judgeAftermath, leftoversIn } from '../../../src/host/systemd/index.js';
import { parseUnitState } from '../../../src/host/systemd/unit-state.js';

describe('what is left of a VM', () => {
  const stored = { storedDescriptors: 5, isToStop: false };

  it.each([
    ['a planned hand-over', { result: 'success', exitStatus: '80' }, stored, true],
    ['SIGKILL', { result: 'signal', exitStatus: 'KILL' }, stored, true],
    ['the watchdog', { result: 'watchdog', exitStatus: 'KILL' }, stored, true],
    ['a defect that dumps core', { result: 'core-dump', exitStatus: 'ABRT' }, stored, true],
    ['the end of its guest', { result: 'success', exitStatus: '0' }, stored, false],
    ['a mistake in its file', { result: 'exit-code', exitStatus: '78' }, stored, false],
    ['a stop that took too long', { result: 'timeout', exitStatus: 'KILL' }, stored, false],
    ['SIGKILL amid a stop', { result: 'signal', exitStatus: 'KILL' }, { ...stored, isToStop: true }, false],
    [
      'SIGKILL with an empty store',
      { result: 'signal', exitStatus: 'KILL' },
      { ...stored, storedDescriptors: 0 },
      false,
    ],
    [
      'a hand-over without anything',
      { result: 'success', exitStatus: '80' },
      { ...stored, storedDescriptors: 0 },
      false,
    ],
  ])('after %s', (_what, end, unit, leave) => {
    expect(judgeAftermath(end, unit)).toMatchObject({ leave, why: expect.stringMatching(/\w/) });
  });
});

describe("a unit's state", () => {
  const unit = 'gpuvm-a.service';
  const shown = 'ControlGroup=/system.slice/gpuvm-a.service\nNFileDescriptorStore=3\n';

  it.each([
    ['', false],
    ['7 gpuvm-a.service stop running\n', true],
    ['7 gpuvm-a.service restart running\n', true],
    ['7 gpuvm-a.service reload running\n', false],
    ['7 gpuvm-b.service stop running\n8 gpuvm-a.service start waiting\n', false],
  ])('with the jobs %j', (jobs, isToStop) => {
    expect(parseUnitState(unit, shown, jobs)).toEqual({
      controlGroup: '/system.slice/gpuvm-a.service',
      storedDescriptors: 3,
      isToStop,
    });
  });

  it('may say nothing', () => {
    expect(parseUnitState(unit, '', '')).toEqual({ controlGroup: '', storedDescriptors: 0, isToStop: false });
  });
});

describe('processes in a cgroup', () => {
  const sysroot = mkdtempSync(join(tmpdir(), 'gpuvm-leftovers-'));
  afterAll(() => rmSync(sysroot, { recursive: true }));

  function file(path: string, text: string): void {
    mkdirSync(join(sysroot, path, '..'), { recursive: true });
    writeFileSync(join(sysroot, path), text);
  }

  /** A hybrid host: process 30 (gpuvm) is a child of 20 (a shell), of 1. */
  function host(procs: readonly number[]): void {
    file(
      'sys/fs/cgroup/unified/system.slice/a.service/cgroup.procs',
      procs.map((pid) => `${pid}\n`).join(''),
    );
    file('proc/30/stat', '30 (node) S 20 30 30');
    file('proc/20/stat', '20 (sh) (x) S 1 20 20');
    file('proc/1/stat', '1 (systemd) S 0 1 1');
    file('proc/31/stat', '31 (helper) S 30 30 30');
    file('proc/41/comm', 'qemu-system-aar\n');
  }

  it('are all but this one, those that it comes from, and those that come from it', () => {
    host([20, 30, 31, 41, 42]);
    expect(leftoversIn('/system.slice/a.service', sysroot, 30)).toEqual([
      { pid: 41, name: 'qemu-system-aar' },
      { pid: 42, name: '?' },
    ]);
  });

  it.each(['', '/', '/../unified', '//', 'system.slice'])('are none in %j', (group) => {
    file('sys/fs/cgroup/unified/cgroup.procs', '41\n');
    expect(leftoversIn(group, sysroot, 30)).toEqual([]);
  });

  it('are ended, gently first', async () => {
    host([41]);
    const kill = vi.fn((_pid: number, signal: NodeJS.Signals) => {
      if (signal === 'SIGKILL') host([]);
    });
    const ended = await endLeftovers('/system.slice/a.service', { sysroot, terminateMs: 40, kill });
    expect(kill.mock.calls).toEqual([
      [41, 'SIGTERM'],
      [41, 'SIGKILL'],
    ]);
    expect(ended).toEqual({ found: [{ pid: 41, name: 'qemu-system-aar' }], left: [] });
  });

  it('that hang in the kernel are told of', async () => {
    host([41]);
    const options = { sysroot, terminateMs: 10, killMs: 10, kill: () => undefined };
    expect(await endLeftovers('/system.slice/a.service', options)).toMatchObject({ left: [{ pid: 41 }] });
  });

  it('are really signalled', async () => {
    const child = spawn('sleep', ['60']);
    const gone = new Promise((done) => child.once('exit', (_code, signal) => done(signal)));
    host([child.pid!]);
    void gone.then(() => host([]));
    await endLeftovers('/system.slice/a.service', { sysroot });
    expect(await gone).toBe('SIGTERM');
  });
});
