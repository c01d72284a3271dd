import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  consoleShows,
  type Notification,
  type NotifiedVm,
  type NotifierOptions,
  ServiceNotifier,
} from '../../../src/host/systemd/index.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

class FakeVm implements NotifiedVm {
  readonly name = 'orin';
  state = 'new';
  #listeners = new Set<(event: { event: string }) => void>();

  onEvent(fn: (event: { event: string }) => void): () => void {
    this.#listeners.add(fn);
    return () => this.#listeners.delete(fn);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  tell(event: string, fields: object = {}): void {
    for (const fn of this.#listeners) fn({ event, ...fields });
  }

  enter(...states: string[]): void {
    for (const state of states) {
      this.state = state;
      this.tell('state', { state });
    }
  }
}

function observe(options: Partial<NotifierOptions> = {}, watchdogMs?: number) {
  const vm = new FakeVm();
  const said: Notification[] = [];
  const manager = {
    notify: async (notification: Notification) => {
      said.push(notification);
      return true;
    },
    barrier: vi.fn(async () => undefined),
    watchdogIntervalMs: () => watchdogMs,
  };
  const notifier = new ServiceNotifier(manager, vm, { probe: async () => undefined, ...options });
  const feeds = () => said.filter(({ watchdog }) => watchdog).length;
  const statuses = () => said.flatMap(({ status }) => status ?? []);
  return { vm, said, manager, notifier, feeds, statuses };
}

describe('what systemd is told', () => {
  it('is each state, and ready once QEMU runs', async () => {
    const { vm, said, notifier, statuses } = observe({
      startMs: 90_000,
      describe: (state) => (state === 'monitor' ? "QEMU's monitor is waited for" : undefined),
    });
    vm.enter('bridge', 'qemu');
    vm.tell('qemu', { pid: 77 });
    vm.enter('monitor');
    await vi.advanceTimersByTimeAsync(0);
    expect(notifier.isReady).toBe(false);
    vm.enter('running');
    await vi.advanceTimersByTimeAsync(0);
    expect(said[0]).toEqual({ extendTimeoutMs: 90_000 });
    expect(statuses()).toEqual([
      'orin: new',
      'orin: bridge',
      'orin: qemu',
      "orin: monitor: QEMU's monitor is waited for",
      'orin: running (QEMU is process 77)',
      'orin: running (QEMU is process 77)',
    ]);
    expect(said.at(-1)).toMatchObject({ ready: true });
    expect(notifier.isReady).toBe(true);
  });

  it('is ready only when the guest is, and only once', async () => {
    let arrive = () => {};
    const { vm, said } = observe({
      ready: () =>
        new Promise((resolve) => {
          arrive = resolve;
        }),
    });
    vm.enter('running', 'paused', 'running');
    await vi.advanceTimersByTimeAsync(1000);
    expect(said.some(({ ready }) => ready)).toBe(false);
    arrive();
    await vi.advanceTimersByTimeAsync(0);
    vm.enter('releasing', 'waiting', 'running');
    await vi.advanceTimersByTimeAsync(0);
    expect(said.filter(({ ready }) => ready)).toHaveLength(1);
  });

  it('is why the guest is not ready', async () => {
    const { vm, said, statuses, notifier } = observe({ ready: () => Promise.reject(new Error('no marker')) });
    vm.enter('running');
    await vi.advanceTimersByTimeAsync(0);
    expect(statuses().at(-1)).toBe('orin: is not ready: no marker');
    expect(said.some(({ ready }) => ready)).toBe(false);
    expect(notifier.isReady).toBe(false);
  });

  it('is each rung, with the time it may take', async () => {
    const { vm, said, notifier } = observe();
    vm.enter('running', 'stopping');
    notifier.stopping();
    vm.tell('rung', { rung: 'powerdown', timeMs: 20_000 });
    vm.tell('rung', { rung: 'quit', timeMs: 5_000 });
    vm.enter('releasing', 'restoring');
    expect(said).toContainEqual({ stopping: true });
    expect(said).toContainEqual({
      status: 'orin: stopping: powerdown, for at most 20 s',
      extendTimeoutMs: 30_000,
    });
    const extensions = said.flatMap(({ extendTimeoutMs }) => extendTimeoutMs ?? []);
    expect(extensions).toEqual([30_000, 15_000, 30_000, 120_000]);
  });

  it('is when a VM starts again, and why', () => {
    const { vm, statuses } = observe();
    vm.enter('running', 'releasing');
    vm.tell('restart', { number: 1, delayMs: 2000, reason: 'QEMU was killed by SIGKILL' });
    vm.enter('waiting');
    expect(statuses().at(-1)).toBe('orin: starts again in 2 s: QEMU was killed by SIGKILL');
  });

  it('ends with a last word, for which is waited', async () => {
    const { vm, statuses, manager, notifier, feeds } = observe({}, 3000);
    vm.enter('running');
    await notifier.close('the guest shut down');
    expect(statuses().at(-1)).toBe('orin: the guest shut down');
    expect(manager.barrier).toHaveBeenCalledOnce();
    const fed = feeds();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(feeds()).toBe(fed);
    expect(vm.listeners).toBe(0);
  });
});

describe('the watchdog', () => {
  it('is fed three times an interval while all answers', async () => {
    const { vm, feeds } = observe({}, 3000);
    vm.enter('running');
    await vi.advanceTimersByTimeAsync(3000);
    expect(feeds()).toBe(4);
  });

  it('starves while nothing answers, and is fed when it does again', async () => {
    let answers = true;
    const probe = vi.fn(() => (answers ? Promise.resolve() : new Promise<void>(() => {})));
    const { vm, feeds, statuses } = observe({ probe }, 3000);
    vm.enter('running');
    await vi.advanceTimersByTimeAsync(1000);
    answers = false;
    const fed = feeds();
    await vi.advanceTimersByTimeAsync(6000);
    expect(feeds()).toBe(fed);
    expect(statuses().at(-1)).toBe('orin: does not answer: no answer for 1 s');
    answers = true;
    await vi.advanceTimersByTimeAsync(3000);
    expect(feeds()).toBeGreaterThan(fed);
    expect(statuses().at(-1)).toBe('orin: running');
  });

  it('starves when the probe says what is wrong, which is told', async () => {
    const { vm, feeds, statuses } = observe(
      {
        probe: () => {
          throw new Error('QEMU is gone');
        },
      },
      3000,
    );
    vm.enter('running');
    await vi.advanceTimersByTimeAsync(900);
    const fed = feeds();
    await vi.advanceTimersByTimeAsync(5000);
    expect(feeds()).toBe(fed);
    expect(statuses().at(-1)).toBe('orin: does not answer: QEMU is gone');
  });

  it('asks nothing of a VM that does not run yet, or no more', async () => {
    const probe = vi.fn(async () => undefined);
    const { vm, feeds } = observe({ probe }, 3000);
    vm.enter('binding', 'monitor');
    await vi.advanceTimersByTimeAsync(3000);
    expect(probe).not.toHaveBeenCalled();
    expect(feeds()).toBe(4);
    vm.enter('paused');
    await vi.advanceTimersByTimeAsync(1000);
    expect(probe).toHaveBeenCalledOnce();
  });

  it('is nobody where systemd does not ask for it', async () => {
    const probe = vi.fn(async () => undefined);
    const { vm } = observe({ probe });
    vm.enter('running');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(probe).not.toHaveBeenCalled();
  });
});

describe('a marker on the console', () => {
  function fakeConsole(before: string) {
    const listeners = new Set<(chunk: Uint8Array) => void>();
    return {
      recent: () => Buffer.from(before),
      subscribe: (fn: (chunk: Uint8Array) => void) => {
        listeners.add(fn);
        return () => void listeners.delete(fn);
      },
      say: (text: string) => {
        for (const fn of listeners) fn(Buffer.from(text));
      },
      listeners,
    };
  }

  it.each([
    ['login:', 'boot\nlogin:', []],
    ['login:', '', ['logi', 'n', ': ']],
    ['login:', 'log', ['in:']],
    ['ü', '', ['\u00fc']],
  ])('%j is seen in %j and then %j', async (marker, before, chunks) => {
    const console = fakeConsole(before);
    const seen = consoleShows(console, marker, new AbortController().signal);
    for (const chunk of chunks) console.say(chunk);
    await seen;
    expect(console.listeners.size).toBe(0);
  });

  it('is waited for until told otherwise', async () => {
    const console = fakeConsole('log');
    const abort = new AbortController();
    const seen = consoleShows(console, 'login:', abort.signal);
    console.say('logout');
    abort.abort(new Error('too late'));
    await expect(seen).rejects.toThrow('too late');
    expect(console.listeners.size).toBe(0);
  });
});
