import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseVmFile } from '../../src/config/index.js';
import type { ControlledVm } from '../../src/control/index.js';
import { type HandOver, type HostDevices, Supervisor, type SupervisorOptions } from '../../src/vm/index.js';

const binary = fileURLToPath(new URL('./fake-qemu.mjs', import.meta.url));
const runtime = mkdtempSync(join(tmpdir(), 'gpuvm-supervisor-'));
const state = mkdtempSync(join(tmpdir(), 'gpuvm-state-'));
beforeAll(() => {
  vi.stubEnv('XDG_RUNTIME_DIR', runtime);
  vi.stubEnv('GPUVM_STATE_DIR', state);
});
afterAll(() => {
  vi.unstubAllEnvs();
  expect(readdirSync(runtime)).toEqual([]);
  rmSync(runtime, { recursive: true });
  rmSync(state, { recursive: true });
});

let count = 0;

/** A VM of the fake QEMU; `fake` may say what each start does: `die;end=guest-shutdown`. */
function supervise(fake: string, lines = '', options: SupervisorOptions = {}) {
  const counter = join(state, `starts-${count++}`);
  const text = `name: kite
machine: none
qemu: { binary: ${binary} }
extraArguments: ["--fake=${fake}", "--fake-count=${counter}"]
stop: { powerdown: 10s, quit: 10s, terminate: 10s, kill: 10s }
${lines}`;
  const vm = new Supervisor(parseVmFile(text, { file: '/vm.yaml' }), options);
  const states: string[] = [];
  vm.on('state', (name) => states.push(name));
  const starts = () => readFileSync(counter, 'utf8').length;
  return { vm, states, starts };
}

function whenRunning(vm: Supervisor, act: () => void): void {
  vm.on('state', (name) => {
    if (name === 'running') act();
  });
}

describe('a supervised VM', () => {
  it('goes through its states, from the file to the end', async () => {
    const { vm, states } = supervise('end=guest-shutdown');
    const controlled: ControlledVm = vm;
    expect(await vm.run()).toMatchObject({ vm: 'kite', ending: 'guest-shutdown', restarts: 0 });
    expect(states).toEqual([
      'preparing',
      'checking',
      'binding',
      'bridge',
      'qemu',
      'monitor',
      'running',
      'releasing',
      'restoring',
      'ended',
    ]);
    expect(await controlled.status()).toMatchObject({
      name: 'kite',
      state: 'ended',
      ending: { ending: 'guest-shutdown' },
      restarts: 0,
    });
    await expect(vm.run()).rejects.toThrow('runs once');
  });

  it('has metrics also without a bridge, and says that there is none', async () => {
    const { vm } = supervise('end=guest-shutdown');
    const running = new Promise<string>((resolve) => {
      whenRunning(vm, () => void vm.metrics().then(({ body }) => resolve(body)));
    });
    await Promise.all([running, vm.run()]);
    expect(await running).toContain('gpuvm_vm_info{vm="kite",bridge="none",backend="none",mode="none"} 1\n');
    expect(await running).toContain('gpuvm_vm_restarts_total{vm="kite"} 0\n');
    const { contentType, body } = await vm.metrics('application/openmetrics-text');
    expect(contentType).toContain('openmetrics');
    expect(body).toContain('gpuvm_vm_state{vm="kite",state="ended"} 1\n');
    expect(body).not.toContain('gpuvm_vm_start_time_seconds');
    await expect(vm.bpmp()).rejects.toMatchObject({
      code: 'GPUVM_VM_STATE',
      message: 'kite has no BPMP to tell of: its VM file has no bridge',
    });
  });
});

describe('restarts', () => {
  const restart = 'restart: { policy: on-failure, delay: 20ms, maxDelay: 40ms, limit: 3 }';

  it('follow failures, each after twice the time, until one run ends well', async () => {
    const { vm, starts, states } = supervise('die;die;end=guest-shutdown', restart);
    const delays: number[] = [];
    vm.on('restart', ({ delayMs }) => delays.push(delayMs));
    expect(await vm.run()).toMatchObject({ ending: 'guest-shutdown', restarts: 2 });
    expect(starts()).toBe(3);
    expect(delays).toEqual([20, 40]);
    // The host's devices are taken once.
    expect(states.filter((name) => name === 'binding')).toHaveLength(1);
    expect(states.filter((name) => name === 'waiting')).toHaveLength(2);
  });

  it('are given up at the limit, and that is said, with a report on each failure', async () => {
    rmSync(join(state, 'reports'), { recursive: true, force: true });
    const { vm, starts } = supervise('die', restart);
    const report = await vm.run();
    expect(report).toMatchObject({ ending: 'crash', restarts: 3 });
    expect(report.gaveUp).toMatch(/^it was restarted 3 times within 600 s, which is the limit/);
    expect(vm.logs()).toContain(report.gaveUp);
    expect(starts()).toBe(4);
    // One for each run, the last one's named.
    const reports = readdirSync(join(state, 'reports'));
    expect(reports.filter((name) => name.endsWith('.txt'))).toHaveLength(4);
    const written = JSON.parse(readFileSync(report.crashReport!.replace('.txt', '.json'), 'utf8'));
    expect(written).toMatchObject({ vm: 'kite', ending: 'crash', restarts: 3, qemu: { signal: 'SIGSEGV' } });
    const states = written.timeline.filter(({ event }: { event: string }) => event === 'state');
    expect(states.map((entry: { state: string }) => entry.state)).toEqual([
      'preparing',
      'bridge',
      'qemu',
      'monitor',
      'running',
      'releasing',
      'restoring',
    ]);
  });

  it('do not follow a stop', async () => {
    const { vm, starts } = supervise('', restart.replace('on-failure', 'always'));
    whenRunning(vm, () => vm.stop());
    expect(await vm.run()).toMatchObject({ ending: 'guest-shutdown', rung: 'powerdown', restarts: 0 });
    expect(starts()).toBe(1);
  });

  it('are called off by a stop while they are waited for, at once', async () => {
    const { vm, starts, states } = supervise('die', 'restart: { policy: always, delay: 1h, maxDelay: 1h }');
    vm.on('restart', () => setTimeout(() => vm.stop(), 10));
    expect(await vm.run()).toMatchObject({
      ending: 'stopped',
      message: expect.stringContaining(
        'while it waited to be started again (before that: QEMU was killed by SIGSEGV',
      ),
    });
    expect(starts()).toBe(1);
    expect(states.slice(-3)).toEqual(['waiting', 'restoring', 'ended']);
  });

  it('do not follow a start that would fail again in the same way', async () => {
    const { vm, starts } = supervise('exit=1,stderr=no such machine|', restart);
    await expect(vm.run()).rejects.toMatchObject({
      code: 'GPUVM_QEMU_START',
      message: expect.stringContaining('no such machine'),
    });
    expect(starts()).toBe(1);
    expect(vm.state).toBe('ended');
  });

  it('follow a start that failed where one went well before', async () => {
    const { vm, starts } = supervise('die;exit=1;end=guest-shutdown', restart);
    expect(await vm.run()).toMatchObject({ ending: 'guest-shutdown', restarts: 2 });
    expect(starts()).toBe(3);
  });
});

describe("a guest's reset", () => {
  it('is gone through by the same QEMU, where the file says nothing', async () => {
    const { vm, starts } = supervise('reset');
    const seen: string[] = [];
    vm.on('guest-reset', () => {
      seen.push('reset');
      vm.stop();
    });
    expect(await vm.run()).toMatchObject({ ending: 'guest-shutdown', restarts: 0 });
    expect(seen).toEqual(['reset']);
    expect(starts()).toBe(1);
  });

  it('is a fresh start where the file asks for it', async () => {
    const lines = 'onGuestReset: restart\nrestart: { delay: 10ms }';
    const { vm, starts } = supervise('reset;reset;end=guest-shutdown', lines);
    expect(await vm.run()).toMatchObject({ ending: 'guest-shutdown', restarts: 2 });
    expect(starts()).toBe(3);
  });

  it('from outside is one too', async () => {
    const { vm, starts } = supervise(
      ';end=guest-shutdown',
      'onGuestReset: restart\nrestart: { delay: 10ms }',
    );
    let isFirst = true;
    whenRunning(vm, () => {
      if (isFirst) void vm.reset();
      isFirst = false;
    });
    expect(await vm.run()).toMatchObject({ restarts: 1 });
    expect(starts()).toBe(2);
  });
});

describe('what others may ask of it', () => {
  it('pauses and goes on, and says in which state it is', async () => {
    const { vm, states } = supervise('');
    const done = new Promise<void>((resolve) => {
      whenRunning(vm, () => {
        if (states.includes('paused')) return resolve();
        setTimeout(async () => {
          await vm.pause();
          expect(vm.state).toBe('paused');
          await expect(vm.pause()).rejects.toMatchObject({ code: 'GPUVM_VM_STATE' });
          expect(await vm.status()).toMatchObject({ state: 'paused', pid: vm.vm?.pid });
          await vm.resume();
        });
      });
    });
    const running = vm.run();
    await expect(vm.reset()).rejects.toMatchObject({
      code: 'GPUVM_VM_STATE',
      message: expect.stringMatching(/^kite is preparing .*: reset is for a VM that is running or paused$/),
    });
    await done;
    vm.stop();
    await running;
    expect(vm.recentEvents().map(({ event }) => event)).toContain('monitor');
    expect(vm.console.write(Buffer.from('nobody'))).toBeUndefined();
  });

  it('shows the console to whoever comes late', async () => {
    const { vm } = supervise('');
    vm.on('qemu', () => void vm.console.write(Buffer.from('hello\n')));
    vm.console.subscribe(() => {
      if (vm.console.recent().includes('\n')) vm.stop();
    });
    await vm.run();
    expect(vm.console.recent().toString()).toBe('hello\n');
  });
});

describe('a stop', () => {
  it('is told once, whoever asks for it and however often', async () => {
    const { vm, states } = supervise('ignore-powerdown,ignore-quit');
    let told = 0;
    vm.on('stop-asked', () => told++);
    whenRunning(vm, () => {
      const controlled: ControlledVm = vm;
      controlled.stop();
      setTimeout(() => vm.stop(), 30);
      setTimeout(() => vm.stop(), 60);
    });
    expect(await vm.run()).toMatchObject({ ending: 'stopped', rung: 'terminate' });
    expect(told).toBe(1);
    expect(vm.recentEvents().filter(({ event }) => event === 'stop-asked')).toHaveLength(1);
    expect(states.at(-1)).toBe('ended');
    vm.stop();
    expect(told).toBe(1);
  });
});

describe('hooks', () => {
  it('run around the VM, in their order, with what they need to know', async () => {
    const log = join(state, 'hooks');
    const hook = `[[sh, -c, 'echo $GPUVM_HOOK $GPUVM_VM $GPUVM_STATE $GPUVM_ENDING >> ${log}']]`;
    const lines = `hooks: { preStart: ${hook}, postStart: ${hook}, preStop: ${hook}, postStop: ${hook} }`;
    const { vm } = supervise('', lines);
    vm.on('hook', ({ hook }) => {
      if (hook === 'postStart') vm.stop();
    });
    await vm.run();
    expect(readFileSync(log, 'utf8').split('\n')).toEqual([
      'preStart kite preparing',
      'postStart kite running',
      'preStop kite running',
      'postStop kite restoring guest-shutdown',
      '',
    ]);
  });

  it('keep the VM from starting where one fails before it, with its last lines', async () => {
    const { vm } = supervise('', "hooks: { preStart: [[sh, -c, 'printf no-gpu; exit 3']] }");
    await expect(vm.run()).rejects.toMatchObject({
      code: 'GPUVM_HOOK',
      message: 'the preStart hook sh -c printf no-gpu; exit 3 exited with status 3',
    });
    expect(vm.logs()).toContain('no-gpu');
  });

  it('are killed with all that they started at their deadline, and are only reported after the start', async () => {
    const pids = join(state, 'pids');
    const slow = `{ run: [sh, -c, 'sleep 60 & echo $! $$ > ${pids}; wait'], deadline: 300ms }`;
    const { vm } = supervise('', `hooks: { postStart: [${slow}] }`);
    vm.on('hook', () => vm.stop());
    expect(await vm.run()).toMatchObject({ ending: 'guest-shutdown' });
    expect(vm.logs().join()).toContain('did not end within 300 ms and was killed');
    for (const pid of readFileSync(pids, 'utf8').trim().split(' ')) {
      await expect.poll(() => alive(Number(pid))).toBe(false);
    }
  });

  it('cannot hold up a stop that is asked for twice', async () => {
    const { vm } = supervise('', "hooks: { preStop: [[sleep, '60']] }");
    whenRunning(vm, () => {
      vm.stop();
      setTimeout(() => vm.stop(), 50);
    });
    expect(await vm.run()).toMatchObject({ rung: 'powerdown' });
  });
});

function alive(pid: number): boolean {
  try {
    // A zombie that nobody reaps is dead too.
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe("the host's devices", () => {
  function devices(fail: { check?: boolean; take?: boolean; restore?: boolean } = {}) {
    const order: string[] = [];
    const hostDevices: HostDevices = {
      async check() {
        order.push('check');
        if (fail.check) throw new Error('no device');
        return ['a reset method is missing'];
      },
      async take() {
        order.push('take');
        if (fail.take) throw new Error('cannot bind');
        return {
          names: ['17000000.gpu'],
          async restore() {
            order.push('restore');
            return { undone: ['17000000.gpu'], failed: fail.restore ? ['gpu: busy'] : [] };
          },
        };
      },
    };
    return { hostDevices, order };
  }

  it('are taken once and go back at the end', async () => {
    const { hostDevices, order } = devices({ restore: true });
    const lines = 'restart: { policy: on-failure, delay: 10ms }';
    const { vm } = supervise('die;end=guest-shutdown', lines, { hostDevices });
    vm.on('qemu', () => order.push('qemu'));
    const report = await vm.run();
    expect(order).toEqual(['check', 'take', 'qemu', 'qemu', 'restore']);
    expect(report.undone).toEqual({ undone: ['17000000.gpu'], failed: ['gpu: busy'] });
    expect(vm.logs()).toEqual(['a reset method is missing', 'not put back: gpu: busy']);
  });

  it('go back where QEMU does not start', async () => {
    const { hostDevices, order } = devices();
    const { vm } = supervise('exit=1', '', { hostDevices });
    await expect(vm.run()).rejects.toThrow('before it could be used');
    expect(order).toEqual(['check', 'take', 'restore']);
    expect((await vm.status()).devices).toEqual([]);
  });

  it('of a killed run are put right before they are looked at, once', async () => {
    const { hostDevices, order } = devices();
    const recovering: HostDevices = {
      ...hostDevices,
      async recover() {
        order.push('recover');
        return ['what a killed run left was taken back: gpu'];
      },
    };
    const lines = 'restart: { policy: on-failure, delay: 10ms }';
    const { vm } = supervise('die;end=guest-shutdown', lines, { hostDevices: recovering });
    await vm.run();
    expect(order).toEqual(['recover', 'check', 'take', 'restore']);
    expect(vm.logs()[0]).toBe('what a killed run left was taken back: gpu');
  });

  it('are not taken where a check fails', async () => {
    const { hostDevices, order } = devices({ check: true });
    await expect(supervise('', '', { hostDevices }).vm.run()).rejects.toThrow('no device');
    expect(order).toEqual(['check']);
  });

  it("stay the guest's when another supervisor takes over, which gives them back", async () => {
    const first = devices();
    const handedOver: string[] = [];
    const passing: HostDevices = {
      ...first.hostDevices,
      async take() {
        const held = await first.hostDevices.take();
        return { ...held, journal: '/journal/kite', handOver: async () => void handedOver.push('over') };
      },
    };
    const one = supervise('', '', { hostDevices: passing, handOver: true });
    const passed = new Promise<HandOver>((resolve) =>
      whenRunning(one.vm, () => setTimeout(() => resolve(one.vm.detach()))),
    );
    expect(await one.vm.run()).toMatchObject({ ending: 'handed-over', restarts: 0 });
    const takeOver = await passed;
    expect(one.vm.state).toBe('ended');
    expect(one.states).not.toContain('restoring');
    expect(handedOver).toEqual(['over']);

    const second = devices();
    const adopting: HostDevices = {
      ...second.hostDevices,
      async adopt(journal, names) {
        second.order.push(`adopt ${journal} ${names}`);
        return second.hostDevices.take();
      },
    };
    const two = supervise('', '', { hostDevices: adopting, takeOver, handOver: true });
    whenRunning(two.vm, () => two.vm.stop());
    expect(await two.vm.run()).toMatchObject({ ending: 'guest-shutdown' });
    expect(two.states).toEqual([
      'preparing',
      'bridge',
      'qemu',
      'monitor',
      'running',
      'stopping',
      'releasing',
      'restoring',
      'ended',
    ]);
    expect(second.order).toEqual(['adopt /journal/kite 17000000.gpu', 'take', 'restore']);
  });

  it('are left alone where the VM is stopped before', async () => {
    const { hostDevices, order } = devices();
    const { vm, states } = supervise('', '', { hostDevices });
    const running = vm.run();
    vm.stop();
    await expect(running).rejects.toThrow('stopped before it ran');
    expect(order).toEqual([]);
    expect(states).toEqual(['preparing', 'releasing', 'restoring', 'ended']);
  });
});
