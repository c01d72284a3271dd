import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseVmFile } from '../../src/config/index.js';
import { addon } from '../../src/native/index.js';
import {
  packHandOver,
  Supervisor,
  type SupervisorOptions,
  type SupervisorReport,
  unpackHandOver,
} from '../../src/vm/index.js';
import { letterGuest } from './letter-guest.js';
import { hasProgram } from './programs.js';

const qemu = 'qemu-system-x86_64';

type More = SupervisorOptions & {
  /** Which of the guests. */
  readonly image?: 'guest' | 'deaf';
  readonly qemuArguments?: readonly string[];
};

describe.skipIf(!hasProgram(qemu))('a supervised VM of a real QEMU', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-supervised-'));
  const runtime = join(folder, 'runtime');
  const state = join(folder, 'state');
  beforeAll(() => {
    mkdirSync(runtime);
    vi.stubEnv('XDG_RUNTIME_DIR', runtime);
    vi.stubEnv('GPUVM_STATE_DIR', state);
    writeFileSync(join(folder, 'guest.img'), letterGuest());
    writeFileSync(join(folder, 'deaf.img'), letterGuest({ deaf: true }));
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    expect(readdirSync(runtime)).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  /** A VM whose guest does what the letters say, one for each time that it starts. */
  function supervise(letters: string, lines = '', options: More = {}) {
    const { image = 'guest', qemuArguments = [], ...more } = options;
    const text = `name: letters
qemu: { binary: ${qemu} }
machine: pc
memory: 16M
extraArguments: [-drive, "file=${folder}/${image}.img,format=raw,if=ide", -snapshot${qemuArguments.map((word) => `, ${word}`).join('')}]
${lines}`;
    const vm = new Supervisor(parseVmFile(text, { file: join(folder, 'vm.yaml') }), more);
    const states: string[] = [];
    const rungs: string[] = [];
    vm.on('state', (name) => states.push(name));
    vm.on('rung', ({ rung }) => rungs.push(rung));
    let starts = 0;
    let boots = 0;
    vm.on('qemu', () => starts++);
    vm.console.subscribe((chunk) => {
      if (!chunk.includes('H')) return;
      const letter = letters[boots++];
      if (letter !== undefined) void vm.console.write(Buffer.from(letter));
    });
    return { vm, states, rungs, starts: () => starts, boots: () => boots };
  }

  /** Waits for the guest to be up. */
  const up = async (vm: Supervisor) => {
    await new Promise<void>((resolve) => {
      const stop = vm.console.subscribe((chunk) => {
        if (!chunk.includes('H')) return;
        stop();
        resolve();
      });
    });
    // The guest may speak before QEMU's answer that it runs has come.
    await vi.waitFor(() => expect(vm.state).toBe('running'), 10_000);
  };

  it('goes through every state, paused and resumed by whoever controls it', async () => {
    const { vm, states } = supervise('');
    const report = vm.run();
    await up(vm);
    await vm.pause();
    expect(vm.state).toBe('paused');
    expect(await vm.qmp('query-status')).toMatchObject({ status: 'paused' });
    await vm.resume();
    expect(vm.state).toBe('running');
    vm.stop();
    expect(await report).toMatchObject({ ending: 'guest-shutdown', rung: 'powerdown', restarts: 0 });
    expect(states).toEqual([
      'preparing',
      'checking',
      'binding',
      'bridge',
      'qemu',
      'monitor',
      'running',
      'paused',
      'running',
      'stopping',
      'releasing',
      'restoring',
      'ended',
    ]);
  });

  describe('is stopped by the rung that it cannot ignore', () => {
    const stop = 'stop: { powerdown: 1s, quit: 1s, terminate: 1s, kill: 10s }';

    it('the guest by its power button', async () => {
      const { vm, rungs } = supervise('');
      const report = vm.run();
      await up(vm);
      vm.stop();
      expect(await report).toMatchObject({ ending: 'guest-shutdown', rung: 'powerdown' });
      expect(rungs).toEqual(['powerdown']);
    });

    it('a guest that is deaf to it by quit', async () => {
      const { vm, rungs } = supervise('', stop, { image: 'deaf' });
      const report = vm.run();
      await up(vm);
      vm.stop();
      expect(await report).toMatchObject({
        ending: 'stopped',
        rung: 'quit',
        qemu: { code: 0, signal: null },
      });
      expect(rungs).toEqual(['powerdown', 'quit']);
    });

    it('a QEMU whose monitor does not take commands by SIGTERM', async () => {
      const { vm, rungs } = supervise('', stop, { image: 'deaf' });
      const report = vm.run();
      await up(vm);
      // A monitor that has not finished a command takes no other: QEMU itself is well.
      vi.spyOn(vm.vm!.qmp!, 'execute').mockImplementation(() => new Promise(() => {}));
      vm.stop();
      expect(await report).toMatchObject({ ending: 'stopped', rung: 'terminate' });
      expect(rungs).toEqual(['powerdown', 'quit', 'terminate']);
    });

    it('a QEMU that stands still (SIGSTOP) by SIGKILL', async () => {
      const { vm, rungs } = supervise('', stop, { image: 'deaf' });
      const report = vm.run();
      await up(vm);
      process.kill(vm.vm!.pid!, 'SIGSTOP');
      vm.stop();
      expect(await report).toMatchObject({ ending: 'stopped', rung: 'kill', qemu: { signal: 'SIGKILL' } });
      expect(rungs).toEqual(['powerdown', 'quit', 'terminate', 'kill']);
    });
  });

  it('is restarted after each crash, later each time, and a report is written on each', async () => {
    const restart = 'restart: { policy: on-failure, delay: 100ms, limit: 2 }';
    const { vm, starts } = supervise('', restart);
    const delays: number[] = [];
    vm.on('restart', ({ delayMs }) => delays.push(delayMs));
    vm.console.subscribe((chunk) => {
      if (chunk.includes('H')) process.kill(vm.vm!.pid!, 'SIGKILL');
    });
    const report = await vm.run();
    expect(report).toMatchObject({
      ending: 'crash',
      restarts: 2,
      gaveUp: expect.stringContaining('2 times'),
    });
    expect(starts()).toBe(3);
    expect(delays).toEqual([100, 200]);
    expect(readdirSync(join(state, 'reports')).filter((name) => name.endsWith('.json'))).toHaveLength(3);
    const text = readFileSync(report.crashReport!, 'utf8');
    expect(text).toContain('letters: QEMU was killed by SIGKILL without a shutdown');
    expect(text).toMatch(/\+\d+\.\d{3} s {2}state running/);
    expect(text).toMatch(/The guest's console\n(.*\n)* {2}H/);
  });

  it.each([
    ['goes on in the same QEMU', 'rrq', '', { starts: 1, boots: 3, restarts: 0 }],
    [
      'is a fresh QEMU where the file asks for it',
      'rrq',
      'onGuestReset: restart\nrestart: { delay: 10ms }',
      { starts: 3, boots: 3, restarts: 2 },
    ],
    ['ends the VM with reboot: exit', 'r', 'reboot: exit', { starts: 1, boots: 1, ending: 'guest-reset' }],
  ])("a guest's reset %s", async (_what, letters, lines, expected) => {
    const { vm, starts, boots } = supervise(letters, lines);
    const report: SupervisorReport = await vm.run();
    expect({ ...report, starts: starts(), boots: boots() }).toMatchObject({
      ending: 'guest-shutdown',
      ...expected,
    });
  });

  it.each([
    ['shutdown', ''],
    ['exit-failure', 'restart: { policy: on-failure, delay: 10ms, limit: 1 }'],
  ])('a panic (%s) is told from a power-off, and is a failure', async (action, lines) => {
    const { vm, starts } = supervise('pp', lines, {
      qemuArguments: ['-device', 'pvpanic', '-action', `panic=${action}`],
    });
    const report = await vm.run();
    expect(report).toMatchObject({ ending: 'guest-panic', message: 'the guest panicked' });
    expect(starts()).toBe(lines === '' ? 1 : 2);
    expect(readFileSync(report.crashReport!, 'utf8')).toContain('GUEST_PANICKED');
  });

  it.each([
    ['poweroff', 'watchdog', ''],
    ['reset', 'watchdog', 'reboot: exit'],
  ])('a watchdog that runs out (%s) is told from a power-off', async (action, ending, lines) => {
    const watchdog = `watchdog: { device: ib700, action: ${action} }\n${lines}`;
    const { vm } = supervise('w', watchdog);
    expect(await vm.run()).toMatchObject({ ending, message: expect.stringContaining(`(${action})`) });
  });

  it('runs on the CPUs that the file names', async () => {
    const cpus = addon().getAffinity(0);
    const [first, last] = [cpus[0]!, cpus.at(-1)!];
    const { vm } = supervise('', `cpuPinning: { vcpus: [${last}], emulator: ${first} }`);
    const report = vm.run();
    await up(vm);
    const [cpu] = (await vm.qmp('query-cpus-fast')) as { 'thread-id': number }[];
    expect(addon().getAffinity(cpu!['thread-id'])).toEqual([last]);
    expect(addon().getAffinity(vm.vm!.pid!)).toEqual([first]);
    vm.stop();
    await report;
    const nowhere = supervise('', 'cpuPinning: { vcpus: [8000] }');
    await expect(nowhere.vm.run()).rejects.toMatchObject({
      code: 'GPUVM_CONFIG',
      message: expect.stringContaining('cpuPinning.vcpus[1]: this host lets us run on none of the CPUs 8000'),
    });
  });

  it('is handed to another supervisor while it runs, and the guest stays what it was', async () => {
    const first = supervise('', '', { handOver: true });
    const ended = first.vm.run();
    await up(first.vm);
    const { pid } = first.vm.vm!;
    const kept = packHandOver(await first.vm.detach());
    expect(await ended).toMatchObject({ ending: 'handed-over' });
    const second = supervise('', '', { handOver: true, takeOver: unpackHandOver(kept, 'letters') });
    const secondEnded = second.vm.run();
    await vi.waitFor(() => expect(second.vm.state).toBe('running'), 10_000);
    expect(second.vm.vm!.pid).toBe(pid);
    // The same guest, which has not started anew.
    const echo = new Promise<string>((resolve) =>
      second.vm.console.subscribe((chunk) => resolve(String(chunk))),
    );
    await second.vm.console.write(Buffer.from('x'));
    expect(await echo).toBe('x');
    second.vm.stop();
    expect(await secondEnded).toMatchObject({ ending: 'guest-shutdown', rung: 'powerdown' });
    expect(second.boots()).toBe(0);
  });
});
