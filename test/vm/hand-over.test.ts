import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseVmFile, type VmConfig } from '../../src/config/index.js';
import { addon } from '../../src/native/index.js';
import { packHandOver, unpackHandOver, VirtualMachine, type VmOptions } from '../../src/vm/index.js';

const binary = fileURLToPath(new URL('./fake-qemu.mjs', import.meta.url));
const runtime = mkdtempSync(join(tmpdir(), 'gpuvm-over-'));
beforeAll(() => vi.stubEnv('XDG_RUNTIME_DIR', runtime));
afterAll(() => {
  vi.unstubAllEnvs();
  expect(readdirSync(runtime)).toEqual([]);
  rmSync(runtime, { recursive: true });
});

function config(fake = ''): VmConfig {
  const text = `name: kite
machine: none
qemu: { binary: ${binary} }
extraArguments: ["--fake=${fake}"]
stop: { powerdown: 10s, quit: 10s, terminate: 10s, kill: 10s }`;
  return parseVmFile(text, { file: '/vm.yaml' });
}

function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** A VM, and its first moment of running. */
function start(options: VmOptions, fake?: string) {
  const vm = new VirtualMachine(config(fake), options);
  let said = '';
  vm.on('qemu', ({ console }) =>
    console.output.on('data', (chunk) => {
      said += chunk;
    }),
  );
  const running = new Promise<void>((resolve) => {
    vm.on('state', (state) => {
      if (state === 'running') resolve();
    });
  });
  return { vm, running, ended: vm.run(), said: () => said };
}

const openFds = () => readdirSync('/proc/self/fd').length;

describe('a VM that is handed over', () => {
  it('runs on, with its console, its monitor and its end, without a trace of the first supervisor', async () => {
    const before = openFds();
    const first = start({ survives: true });
    await first.running;
    const { pid } = first.vm;
    const passed = await first.vm.detach();
    expect(await first.ended).toMatchObject({ ending: 'handed-over' });
    expect(first.vm.state).toBe('ended');
    expect(isAlive(pid!)).toBe(true);

    const second = start({ takeOver: unpackHandOver(packHandOver(passed), 'kite') });
    await second.running;
    expect(second.vm.pid).toBe(pid);
    second.vm.on('qemu', () => {});
    second.vm.stop();
    expect(await second.ended).toMatchObject({
      ending: 'guest-shutdown',
      rung: 'powerdown',
      qemu: { code: null, signal: null },
    });
    expect(isAlive(pid!)).toBe(false);
    await expect.poll(openFds, { timeout: 10_000 }).toBeLessThanOrEqual(before);
  });

  it('keeps what its console said while nobody listened', async () => {
    const first = start({ survives: true });
    await first.running;
    const passed = await first.vm.detach();
    await first.ended;
    const second = start({ takeOver: passed });
    second.vm.on('qemu', ({ console }) => console.input.write('who is there\n'));
    await second.running;
    await expect.poll(second.said, { timeout: 10_000 }).toContain('who is there');
    second.vm.stop();
    await second.ended;
  });

  it('is taken over after a supervisor that was killed, with copies of what it had', async () => {
    const first = start({ survives: true });
    await first.running;
    const kept = first.vm.kept()!;
    // What a service manager would hold when the process is gone.
    const fds = kept.fds.map(({ name, fd }) => ({ name, fd: addon().duplicateFd(fd) }));
    const passed = await first.vm.detach();
    for (const { fd } of passed.fds) addon().closeFd(fd);
    await first.ended;

    const second = start({ takeOver: { fds, state: kept.state } });
    await second.running;
    expect(second.vm.pid).toBe(first.vm.pid);
    second.vm.stop();
    expect(await second.ended).toMatchObject({ ending: 'guest-shutdown' });
  });

  it('that has ended meanwhile has an end like any other', async () => {
    const first = start({ survives: true });
    await first.running;
    const { pid } = first.vm;
    const passed = await first.vm.detach();
    await first.ended;
    process.kill(pid!, 'SIGKILL');
    await expect.poll(() => isAlive(pid!), { timeout: 10_000 }).toBe(false);
    const second = start({ takeOver: passed });
    expect(await second.ended).toMatchObject({ ending: 'crash', message: 'QEMU is gone without a shutdown' });
  });

  it('that ended itself while nobody looked is a shutdown: its last event waits in the monitor', async () => {
    const first = start({ survives: true }, 'end=guest-shutdown');
    await first.running;
    const passed = await first.vm.detach();
    await first.ended;
    await expect.poll(() => isAlive((passed.state as { pid: number }).pid), { timeout: 5000 }).toBe(false);
    const second = start({ takeOver: passed });
    expect(await second.ended).toMatchObject({ ending: 'guest-shutdown' });
  });

  it('is refused where it was not started for that, or its state does not fit', async () => {
    const plain = start({});
    await plain.running;
    await expect(plain.vm.detach()).rejects.toMatchObject({ code: 'GPUVM_HAND_OVER' });
    expect(plain.vm.kept()).toBeUndefined();
    plain.vm.stop();
    expect(await plain.ended).toMatchObject({ ending: 'guest-shutdown' });

    const first = start({ survives: true });
    await first.running;
    const passed = await first.vm.detach();
    const state = passed.state as Record<string, unknown>;
    const refusals = [
      [{ ...passed, state: { ...state, version: 7 } }, 'its state is of version 7'],
      [{ ...passed, state: { ...state, vm: 'heron' } }, 'the state is that of heron'],
      [{ ...passed, state: { ...state, pid: 'x' } }, 'its state is not whole: pid'],
      [{ ...passed, fds: [] }, 'its descriptor qemu.process was not kept'],
    ] as const;
    for (const [takeOver, why] of refusals) {
      await expect(new VirtualMachine(config(), { takeOver }).run()).rejects.toMatchObject({
        code: 'GPUVM_HAND_OVER',
        message: expect.stringContaining(`the running kite cannot be taken over: ${why}`),
      });
      expect(isAlive(first.vm.pid!)).toBe(true);
    }
    expect(() => unpackHandOver([], 'kite')).toThrow('its state was not kept');
    const second = start({ takeOver: passed });
    await second.running;
    second.vm.stop();
    await second.ended;
  });
});
