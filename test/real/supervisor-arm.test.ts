import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { cacheFolder, parseVmFile } from '../../src/config/index.js';
import { Supervisor, type SupervisorOptions } from '../../src/vm/index.js';
import { armLetterGuest } from './letter-guest.js';
import { hasProgram } from './programs.js';

const newest = join(cacheFolder(), 'qemu/bin/qemu-system-aarch64');
const programs = [
  ["the distribution's QEMU", 'qemu-system-aarch64', hasProgram('qemu-system-aarch64')],
  ['the newest QEMU', newest, existsSync(newest)],
] as const;
if (!existsSync(newest)) console.warn(`SKIPPED: needs ${newest}; run scripts/setup`);

describe.each(programs)('a supervised arm64 VM of %s', (_name, binary, isThere) => {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-supervised-arm-'));
  const runtime = join(folder, 'runtime');
  beforeAll(() => {
    mkdirSync(runtime);
    vi.stubEnv('XDG_RUNTIME_DIR', runtime);
    vi.stubEnv('GPUVM_STATE_DIR', join(folder, 'state'));
    writeFileSync(join(folder, 'guest'), armLetterGuest());
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    expect(readdirSync(runtime)).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  function supervise(letters: string, lines = '', options: SupervisorOptions = {}) {
    const text = `name: letters
qemu: { binary: ${binary} }
machine: virt
cpu: cortex-a53
memory: 64M
kernel: ${folder}/guest
stop: { powerdown: 500ms, quit: 500ms, terminate: 500ms, kill: 10s }
${lines}`;
    const vm = new Supervisor(parseVmFile(text, { file: join(folder, 'vm.yaml') }), options);
    const rungs: string[] = [];
    vm.on('rung', ({ rung }) => rungs.push(rung));
    let starts = 0;
    let boots = 0;
    vm.on('qemu', () => starts++);
    const saysHello = new Promise<void>((resolve) => {
      vm.console.subscribe((chunk) => {
        if (!chunk.includes('H')) return;
        resolve();
        const letter = letters[boots++];
        if (letter !== undefined) void vm.console.write(Buffer.from(letter));
      });
    });
    // The guest may speak before QEMU's answer that it runs has come.
    const up = saysHello.then(() => vi.waitFor(() => expect(vm.state).toBe('running'), 10_000));
    return { vm, up, rungs, starts: () => starts, boots: () => boots };
  }

  it.skipIf(!isThere)('resets in the same QEMU, and powers off', async () => {
    const { vm, starts, boots } = supervise('rq');
    const resets: unknown[] = [];
    vm.on('guest-reset', () => resets.push('reset'));
    expect(await vm.run()).toMatchObject({ ending: 'guest-shutdown', restarts: 0 });
    expect([starts(), boots(), resets.length]).toEqual([1, 2, 1]);
  });

  it.skipIf(!isThere)('resets into a fresh QEMU, by itself and from outside', async () => {
    const { vm, up, starts } = supervise('', 'onGuestReset: restart\nrestart: { delay: 10ms }');
    const report = vm.run();
    await up;
    await vm.reset();
    await vi.waitFor(() => expect(starts()).toBe(2), 10_000);
    await vi.waitFor(() => expect(vm.console.recent().toString().match(/H/g)).toHaveLength(2), 10_000);
    await vm.console.write(Buffer.from('q'));
    expect(await report).toMatchObject({ ending: 'guest-shutdown', restarts: 1 });
  });

  it.skipIf(!isThere)(
    'ignores its power button, and is stopped by the next rung; stopped, by the last',
    async () => {
      const first = supervise('');
      const report = first.vm.run();
      await first.up;
      await first.vm.pause();
      expect(first.vm.state).toBe('paused');
      await first.vm.resume();
      first.vm.stop();
      expect(await report).toMatchObject({ ending: 'stopped', rung: 'quit' });
      const second = supervise('');
      const secondReport = second.vm.run();
      await second.up;
      process.kill(second.vm.vm!.pid!, 'SIGSTOP');
      second.vm.stop();
      expect(await secondReport).toMatchObject({ ending: 'stopped', rung: 'kill' });
      expect(second.rungs).toEqual(['powerdown', 'quit', 'terminate', 'kill']);
    },
  );

  it.skipIf(!isThere)('is restarted after a crash', async () => {
    const { vm, up } = supervise('', 'restart: { policy: on-failure, delay: 50ms }');
    vm.once('restart', () => vm.once('qemu', () => vm.once('event', () => setTimeout(() => vm.stop(), 200))));
    const report = vm.run();
    await up;
    process.kill(vm.vm!.pid!, 'SIGKILL');
    expect(await report).toMatchObject({ ending: 'stopped', restarts: 1 });
  });

  it.skipIf(!isThere)('is handed over, and goes on', async () => {
    const first = supervise('', '', { handOver: true });
    const ended = first.vm.run();
    await first.up;
    // What is said later is the second one's to hear.
    await vi.waitFor(() => expect(first.vm.console.recent().toString()).toBe('H\n'), 10_000);
    const takeOver = await first.vm.detach();
    expect(await ended).toMatchObject({ ending: 'handed-over' });
    const second = supervise('', '', { handOver: true, takeOver });
    const report = second.vm.run();
    await vi.waitFor(() => expect(second.vm.state).toBe('running'), 10_000);
    await second.vm.console.write(Buffer.from('xq'));
    expect(await report).toMatchObject({ ending: 'guest-shutdown' });
    expect(second.vm.console.recent().toString()).toBe('x');
  });
});
