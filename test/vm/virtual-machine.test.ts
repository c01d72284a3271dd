import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Aspect } from '../../src/bpmp/mediator/aspects.js';
import { tegra234 } from '../../src/bpmp/tegra234/index.js';
import type { BridgeEnded, BridgeHandle } from '../../src/bpmp/worker/index.js';
import { LedgerFile } from '../../src/bpmp/worker/ledger-file.js';
import { parseVmFile, type VmConfig } from '../../src/config/index.js';
import type { openBridge, VmBridge } from '../../src/vm/bridge/index.js';
import { type LadderStep, VirtualMachine, type VmOptions } from '../../src/vm/index.js';
import { defer } from '../../src/vm/waiting.js';

const binary = fileURLToPath(new URL('./fake-qemu.mjs', import.meta.url));
const runtime = mkdtempSync(join(tmpdir(), 'gpuvm-vm-'));
beforeAll(() => vi.stubEnv('XDG_RUNTIME_DIR', runtime));
afterAll(() => {
  vi.unstubAllEnvs();
  expect(readdirSync(runtime)).toEqual([]);
  rmSync(runtime, { recursive: true });
});

function config(fake: string, lines = ''): VmConfig {
  const text = `name: kite
machine: none
qemu: { binary: ${binary} }
extraArguments: ["--fake=${fake}"]
${lines || 'stop: { powerdown: 2s, quit: 2s, terminate: 2s, kill: 2s }'}`;
  return parseVmFile(text, { file: '/vm.yaml' });
}

function machine(fake: string, options: VmOptions & { lines?: string } = {}) {
  const vm = new VirtualMachine(config(fake, options.lines), options);
  const steps: LadderStep['rung'][] = [];
  vm.on('rung', ({ rung }) => steps.push(rung));
  return { vm, steps };
}

/** Calls `act` once the VM runs. */
function whenRunning(vm: VirtualMachine, act: () => void): void {
  vm.on('state', (state) => {
    if (state === 'running') act();
  });
}

describe('a VM that ends by itself', () => {
  it.each([
    ['end=guest-shutdown', 'guest-shutdown', 'the guest shut down'],
    ['end=guest-reset', 'guest-reset', 'the guest asked for a reset, which was to be its end'],
    ['end=guest-panic,status=1', 'guest-panic', 'the guest panicked'],
    ['watchdog=poweroff,quiet-exit', 'watchdog', "the guest's watchdog ran out (poweroff)"],
    ['watchdog=reset,end=guest-reset', 'watchdog', "the guest's watchdog ran out (reset)"],
    [
      'end=guest-shutdown,status=3',
      'crash',
      'QEMU failed after the guest had ended: it exited with status 3',
    ],
    ['outside', 'ended-from-outside', 'QEMU was ended from outside (host-signal)'],
    ['die', 'crash', 'QEMU was killed by SIGSEGV without a shutdown'],
  ])('%s: %s', async (fake, ending, message) => {
    const { vm, steps } = machine(fake);
    const states: string[] = [];
    vm.on('state', (state) => states.push(state));
    expect(await vm.run()).toMatchObject({ vm: 'kite', ending, message });
    expect(states).toEqual(['bridge', 'qemu', 'monitor', 'running', 'ended']);
    expect(steps).toEqual([]);
  });

  it('is a crash where somebody kills it', async () => {
    const { vm } = machine('');
    whenRunning(vm, () => process.kill(vm.pid!, 'SIGKILL'));
    expect(await vm.run()).toMatchObject({
      ending: 'crash',
      message: 'QEMU was killed by SIGKILL without a shutdown',
      qemu: { code: null, signal: 'SIGKILL' },
    });
  });
});

describe('a VM that does not start', () => {
  it("says what QEMU's last words were", async () => {
    const { vm } = machine('exit=1,stderr=warning: one|no such machine|use -machine help|');
    await expect(vm.run()).rejects.toMatchObject({
      code: 'GPUVM_QEMU_START',
      message: `${binary} exited with status 1 before it could be used: warning: one / no such machine / use -machine help`,
      details: { stderr: ['warning: one', 'no such machine', 'use -machine help'] },
    });
  });

  it('says that QEMU said nothing', async () => {
    await expect(machine('exit=0').vm.run()).rejects.toThrow(
      'exited with status 0 before it could be used and said nothing',
    );
  });

  it('says that there is no such program', async () => {
    const missing = { ...config(''), qemu: { binary: 'qemu-nowhere' } };
    await expect(new VirtualMachine(missing).run()).rejects.toMatchObject({
      code: 'GPUVM_QEMU_START',
      message: 'there is no qemu-nowhere on the PATH: install QEMU or set qemu.binary in the VM file',
    });
  });

  it('gives a monitor that does not greet its time and no more', async () => {
    const { vm } = machine('silent', { lines: 'deadlines: { qmp: 3s }' });
    await expect(vm.run()).rejects.toMatchObject({
      code: 'GPUVM_QMP_TIMEOUT',
      message: expect.stringContaining('the QMP greeting was not completed within 3000 ms'),
    });
    expect(vm.state).toBe('ended');
  });

  it('ends when it is stopped before QEMU runs', async () => {
    const { vm } = machine('');
    const running = vm.run();
    vm.stop();
    await expect(running).rejects.toMatchObject({
      code: 'GPUVM_QEMU_START',
      message: 'the VM was stopped before it ran',
    });
  });
});

describe('the stop ladder', () => {
  const quick = 'stop: { powerdown: 150ms, quit: 150ms, terminate: 150ms, kill: 2s }';

  it.each([
    ['', 'powerdown', 'guest-shutdown'],
    ['ignore-powerdown', 'quit', 'stopped'],
    ['ignore-powerdown,ignore-quit', 'terminate', 'stopped'],
    ['ignore-powerdown,ignore-quit,ignore-terminate', 'kill', 'stopped'],
    ['mute-system_powerdown,mute-quit,ignore-powerdown,ignore-quit', 'terminate', 'stopped'],
  ])('"%s" ends by %s', async (fake, rung, ending) => {
    const { vm, steps } = machine(fake, { lines: quick });
    whenRunning(vm, () => vm.stop());
    expect(await vm.run()).toMatchObject({ ending, rung });
    expect(steps.at(-1)).toBe(rung);
    expect(steps).toEqual(['powerdown', 'quit', 'terminate', 'kill'].slice(0, steps.length));
  });

  it('leaves out a rung without time', async () => {
    const { vm, steps } = machine('', { lines: 'stop: { powerdown: 0s, quit: 0s }' });
    whenRunning(vm, () => vm.stop());
    expect(await vm.run()).toMatchObject({ ending: 'stopped', rung: 'terminate' });
    expect(steps).toEqual(['terminate']);
  });

  it('goes down a rung each time it is told to stop again', async () => {
    const lines = 'stop: { powerdown: 1h, quit: 1h, terminate: 1h }';
    const { vm, steps } = machine('ignore-powerdown,ignore-quit,ignore-terminate', { lines });
    whenRunning(vm, () => vm.stop());
    vm.on('rung', ({ rung }) => {
      if (rung !== 'kill') setTimeout(() => vm.stop(), 20);
    });
    expect(await vm.run()).toMatchObject({ ending: 'stopped', rung: 'kill', qemu: { signal: 'SIGKILL' } });
    expect(steps).toEqual(['powerdown', 'quit', 'terminate', 'kill']);
  });

  it('skips the monitor where there is none yet', async () => {
    const { vm, steps } = machine('silent');
    vm.on('state', (state) => {
      if (state === 'monitor') setTimeout(() => vm.stop(), 300);
    });
    expect(await vm.run()).toMatchObject({ ending: 'stopped', rung: 'terminate' });
    expect(steps).toEqual(['powerdown', 'quit', 'terminate']);
  });

  it('is taken where the monitor is lost while QEMU runs on', async () => {
    const { vm, steps } = machine('babble');
    expect(await vm.run()).toMatchObject({
      ending: 'monitor-lost',
      message: expect.stringContaining('"babble"'),
    });
    expect(steps).toEqual(['powerdown', 'quit', 'terminate']);
  });
});

describe("the guest's agent", () => {
  const lines = 'guestAgent: true\nstop: { powerdown: 6s, quit: 1s, terminate: 1s, kill: 2s }';

  it.each([
    ['agent', ['guest-agent'], 'guest-shutdown'],
    // The button is pressed where there is no agent, where it refuses, and where nothing comes of it.
    ['agent=mute', ['power-button'], 'guest-shutdown'],
    ['agent=refuse', ['power-button'], 'guest-shutdown'],
    ['agent=lazy', ['guest-agent', 'power-button'], 'guest-shutdown'],
  ])('%s: %j', async (fake, asked, ending) => {
    const { vm, steps } = machine(fake, { lines });
    const seen: string[] = [];
    vm.on('asked', (by) => seen.push(by));
    whenRunning(vm, () => vm.stop());
    expect(await vm.run()).toMatchObject({ ending, rung: 'powerdown' });
    expect(seen).toEqual(asked);
    expect(steps).toEqual(['powerdown']);
  });

  it('says whether it is there', async () => {
    const { vm } = machine('agent', { lines });
    const asked = new Promise((resolve) => whenRunning(vm, () => resolve(vm.guestAgent!.ping(2000))));
    const ended = vm.run();
    await asked;
    vm.stop();
    await ended;
    const mute = machine('agent=mute', { lines });
    const refused = new Promise((resolve) =>
      whenRunning(mute.vm, () => resolve(mute.vm.guestAgent!.ping(100).catch((error) => error))),
    );
    const muteEnded = mute.vm.run();
    expect(await refused).toMatchObject({
      code: 'GPUVM_GUEST_AGENT',
      message: "the guest's agent did not answer within 100 ms",
    });
    mute.vm.stop();
    await muteEnded;
  });
});

describe('the console', () => {
  it("is QEMU's standard input and output", async () => {
    const { vm } = machine('');
    let text = '';
    vm.on('qemu', ({ console }) => {
      console.output.on('data', (chunk) => {
        text += chunk;
        if (text.includes('\n')) vm.stop();
      });
      console.input.write('hello\n');
    });
    await vm.run();
    expect(text).toBe('hello\n');
  });
});

describe('a bridge', () => {
  const release = { entries: [], givenBack: 2, kept: 0, failed: 0 };
  const snapshot = { totals: { allow: 3, deny: 1, absorb: 0, malformed: 0 } };

  function fakeBridge(end: BridgeEnded['end'] = { reason: 'guest-gone' }) {
    let finish!: (ended: BridgeEnded) => void;
    const ended = new Promise<BridgeEnded>((resolve) => {
      finish = resolve;
    });
    const close = vi.fn(() => {
      finish({ end, release, snapshot } as unknown as BridgeEnded);
      return ended;
    });
    const spawned = vi.fn();
    const bridge = {
      ready: Promise.resolve({
        ready: { notes: ['window at 0x1000'] },
        ended,
        close,
        guestProcess: vi.fn(),
        guestReset: vi.fn(async () => release),
      } as unknown as BridgeHandle),
      qemuArguments: ['-device', 'window'],
      wrap: ({ command, args }) => ({ command, args: ['--wrapped', ...args] }),
      spawned,
    } satisfies VmBridge;
    const open = vi.fn<typeof openBridge>(async () => bridge);
    return { open, close, spawned, fail: () => close() };
  }

  it('is up before the guest, and gives back what the guest held after it', async () => {
    const { open, spawned } = fakeBridge();
    const { vm } = machine('end=guest-shutdown', { openBridge: open, record: true });
    const order: string[] = [];
    for (const event of ['bridge', 'bridge-ended'] as const) vm.on(event, () => order.push(event));
    vm.on('state', (state) => order.push(state));
    const report = await vm.run();
    const before = order.slice(0, order.indexOf('running'));
    expect(before).toContain('bridge');
    expect(order.at(-2)).toBe('bridge-ended');
    expect(report).toMatchObject({ ending: 'guest-shutdown', release, requests: snapshot });
    expect(open.mock.calls[0]?.[2]).toMatchObject({ record: true });
    expect(spawned).toHaveBeenCalled();
  });

  it('that does not come up ends a QEMU that waits for it, and says why', async () => {
    const { open } = fakeBridge();
    const failing = vi.fn<typeof openBridge>(async (...args) => {
      const bridge = (await open(...args))!;
      const ready = new Promise<BridgeHandle>((_, reject) => {
        setTimeout(() => reject(new Error('the policy is wrong')), 50);
      });
      ready.catch(() => undefined);
      return { ...bridge, ready };
    });
    const { vm } = machine('silent', { openBridge: failing });
    let pid: number | undefined;
    vm.on('qemu', (qemu) => {
      pid = qemu.pid;
    });
    await expect(vm.run()).rejects.toThrow('the policy is wrong');
    expect(() => process.kill(pid!, 0)).toThrow('ESRCH');
  });

  describe('that is slow to come up', () => {
    /** Up when it is told to be, or never: then with an error. */
    function slowBridge() {
      const fake = fakeBridge({ reason: 'closed' });
      const told = defer<void>();
      const open = vi.fn<typeof openBridge>(async (...args) => {
        const bridge = (await fake.open(...args))!;
        const ready = told.promise.then(() => bridge.ready);
        ready.catch(() => undefined);
        return { ...bridge, ready };
      });
      return {
        open,
        close: fake.close,
        come: () => told.resolve(),
        fail: (why: string) => told.reject(new Error(why)),
      };
    }
    /** Calls `act` once QEMU listens; its bridge is far from up. */
    function whenListening(vm: VirtualMachine, act: () => void): void {
      vm.on('stderr', (line) => {
        if (line === 'listening') act();
      });
    }
    function whenGone(vm: VirtualMachine, act: () => void): void {
      vm.on('qemu', (qemu) => void qemu.exited.then(act));
    }

    it('does not hold up a stop: QEMU, which waits for it, has no monitor, and gets SIGTERM', async () => {
      const { open, close, come } = slowBridge();
      const { vm, steps } = machine('silent,say-listening', { openBridge: open });
      const told: string[] = [];
      for (const event of ['bridge', 'bridge-ended'] as const) vm.on(event, () => told.push(event));
      vm.on('state', (state) => told.push(state));
      whenListening(vm, () => vm.stop());
      whenGone(vm, () => setTimeout(come, 50));
      expect(await vm.run()).toMatchObject({ ending: 'stopped', rung: 'terminate' });
      expect(steps).toEqual(['powerdown', 'quit', 'terminate']);
      // It came up after all, for nobody, and is no more.
      expect(close).toHaveBeenCalled();
      expect(told).toEqual(['bridge', 'qemu', 'monitor', 'stopping', 'ended']);
    });

    it('does not hold up a stop where the monitor answers: a guest that never ran has no power button', async () => {
      const { open, close, come } = slowBridge();
      const { vm, steps } = machine('', { openBridge: open });
      whenGone(vm, come);
      void vi.waitFor(() => expect(vm.qmp).toBeDefined(), 10_000).then(() => vm.stop());
      expect(await vm.run()).toMatchObject({
        ending: 'stopped',
        rung: 'quit',
        shutdown: { guest: false, reason: 'host-qmp-quit' },
      });
      expect(steps).toEqual(['powerdown', 'quit']);
      expect(close).toHaveBeenCalled();
    });

    it('is closed although it was stopped before there was a QEMU', async () => {
      const { open, close } = fakeBridge();
      const opening = vi.fn<typeof openBridge>(async (...args) => {
        await new Promise((resolve) => setTimeout(resolve, 200));
        return open(...args);
      });
      const { vm } = machine('', { openBridge: opening });
      const qemu = vi.fn();
      vm.on('qemu', qemu);
      const running = vm.run();
      setTimeout(() => vm.stop(), 50);
      await expect(running).rejects.toThrow('the VM was stopped before it ran');
      expect(qemu).not.toHaveBeenCalled();
      expect(close).toHaveBeenCalled();
    });

    it.each([
      ['exit=1,stderr=no such machine|', 'exited with status 1 before it could be used: no such machine'],
      [
        'silent,exit-after=150,stderr=no such bus|',
        'exited with status 1 before it could be used: no such bus',
      ],
      ['exit-after=150,stderr=no such bus|', 'exited with status 1 before it could be used: no such bus'],
    ])('leaves QEMU the word where that ends meanwhile: %s', async (fake, message) => {
      const { open, close, come } = slowBridge();
      const { vm } = machine(fake, { openBridge: open });
      whenGone(vm, come);
      await expect(vm.run()).rejects.toMatchObject({
        code: 'GPUVM_QEMU_START',
        message: `${binary} ${message}`,
      });
      expect(close).toHaveBeenCalled();
    });

    it('and then fails, leaves QEMU the word all the same', async () => {
      const { open, fail } = slowBridge();
      const { vm } = machine('exit=1,stderr=no such machine|', { openBridge: open });
      whenGone(vm, () => fail('the policy is wrong'));
      await expect(vm.run()).rejects.toThrow('no such machine');
    });

    it.each(['silent,say-listening', 'say-listening'])(
      'and a QEMU ("%s") that is killed meanwhile, is a start that failed',
      async (fake) => {
        const { open, come } = slowBridge();
        const { vm } = machine(fake, { openBridge: open });
        whenListening(vm, () => process.kill(vm.pid!, 'SIGKILL'));
        whenGone(vm, come);
        await expect(vm.run()).rejects.toMatchObject({
          code: 'GPUVM_QEMU_START',
          message: `${binary} was killed by SIGKILL before it could be used: listening`,
        });
        expect(vm.exit).toEqual({ code: null, signal: 'SIGKILL' });
      },
    );

    it('fails a start whose monitor answers already, and no guest has run', async () => {
      const { open, fail } = slowBridge();
      const { vm } = machine('end=guest-shutdown,say-listening', { openBridge: open });
      whenListening(vm, () => setTimeout(fail, 100, 'the policy is wrong'));
      await expect(vm.run()).rejects.toThrow('the policy is wrong');
      expect(() => process.kill(vm.pid!, 0)).toThrow('ESRCH');
    });

    it('and fails amid a stop, ends QEMU at once', async () => {
      const { open, fail } = slowBridge();
      const lines = 'stop: { powerdown: 1h, quit: 1h, terminate: 1h }';
      const { vm } = machine('silent,ignore-terminate,say-listening', { openBridge: open, lines });
      whenListening(vm, () => vm.stop());
      vm.on('rung', ({ rung }) => {
        if (rung === 'terminate') setTimeout(fail, 50, 'the policy is wrong');
      });
      expect(await vm.run()).toMatchObject({
        ending: 'bridge-fault',
        message: 'the VM was stopped because its bridge did not come up: the policy is wrong',
        rung: 'terminate',
      });
    });

    it('and ends at once, without a QEMU, is what the start failed with', async () => {
      const fake = fakeBridge({ reason: 'fault', message: 'no memory' });
      const open = vi.fn<typeof openBridge>(async (...args) => {
        const bridge = (await fake.open(...args))!;
        fake.fail();
        // The tree is put together meanwhile.
        await new Promise((resolve) => setTimeout(resolve, 50));
        return bridge;
      });
      const { vm } = machine('', { openBridge: open });
      await expect(vm.run()).rejects.toMatchObject({ code: 'GPUVM_BRIDGE', message: 'no memory' });
    });
  });

  it('that died gives back nothing itself: what its guest held is found in the ledger once QEMU is gone', async () => {
    const fake = fakeBridge({ reason: 'fault', message: 'the bridge thread failed' });
    const ledgers = mkdtempSync(join(tmpdir(), 'gpuvm-ledgers-'));
    const ledgerFile = join(ledgers, 'kite', 'ledger');
    const policy = { file: 'kite.yaml', text: 'version: 1\nchip: tegra234\nresets: { PWM1: use }' };
    const file = LedgerFile.create(ledgerFile, { vm: 'kite', backend: { kind: 'simulated' }, policy });
    file.records.hold({
      aspect: Aspect.RESET,
      id: tegra234.resets.idOf('PWM1')!,
      before: 0,
      now: 1,
      shared: false,
    });
    const open = vi.fn<typeof openBridge>(async (...args) => {
      const bridge = (await fake.open(...args))!;
      const handle = await bridge.ready;
      Object.assign(handle, { guestProcess: (pid: number) => file.setGuest(pid) });
      return bridge;
    });
    const { vm } = machine('', { openBridge: open, ledgerFile });
    const notes: string[] = [];
    vm.on('note', (note) => notes.push(note));
    whenRunning(vm, fake.fail);
    const told = vi.fn();
    vm.on('bridge-ended', told);
    const given = { givenBack: 1, kept: 0, failed: 0, entries: [{ resource: 'reset PWM1' }] };
    expect(await vm.run()).toMatchObject({ ending: 'bridge-fault', release: given });
    expect(told).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ release: expect.objectContaining({ givenBack: 1 }) }),
    );
    expect(notes).toEqual([
      'what the guest held of the BPMP when its bridge died: 1 given back, 0 kept, 0 failed',
    ]);
    expect(readdirSync(join(ledgers, 'kite'))).toEqual([]);
    rmSync(ledgers, { recursive: true });
  });

  it('is closed where QEMU does not start', async () => {
    const { open, close } = fakeBridge();
    await expect(machine('exit=1', { openBridge: open }).vm.run()).rejects.toThrow('before it could be used');
    expect(close).toHaveBeenCalled();
  });

  it('is told whose guest it has, and of its reset', async () => {
    const { open } = fakeBridge();
    const { vm } = machine('reset', { openBridge: open });
    const reset = new Promise((resolve) => vm.once('guest-reset', resolve));
    const ended = vm.run();
    expect(await reset).toEqual(release);
    expect(vm.bridge?.guestProcess).toHaveBeenCalledExactlyOnceWith(vm.pid);
    vm.stop();
    await ended;
  });

  it('that fails ends the VM, and says so', async () => {
    const { open, fail } = fakeBridge({ reason: 'fault', message: 'the client broke the protocol' });
    const { vm } = machine('', { openBridge: open });
    whenRunning(vm, fail);
    expect(await vm.run()).toMatchObject({
      ending: 'bridge-fault',
      message: 'the VM was stopped because its bridge ended: the client broke the protocol',
      rung: 'powerdown',
    });
  });
});
