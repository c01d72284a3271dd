import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startVm, type TestVm, withVm } from '../../../src/testing/index.js';
import { bootSector } from '../boot-sector.js';
import { hasProgram } from '../programs.js';

const root = join(import.meta.dirname, '../../..');
let folder: string;
let guest: Parameters<typeof startVm>[0];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gpuvm-testing-'));
  const disk = join(folder, 'disk');
  writeFileSync(disk, bootSector());
  guest = {
    name: 'under-test',
    machine: 'pc,accel=tcg',
    qemu: { binary: 'qemu-system-x86_64' },
    memory: '16M',
    extraArguments: ['-drive', `file=${disk},format=raw,if=ide`],
  };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const isAlive = (pid: number) => existsSync(`/proc/${pid}`);

describe.skipIf(!hasProgram('qemu-system-x86_64'))('gpuvm/testing', () => {
  it('starts a VM from an object, talks to its guest and its monitor, and sees it end', async (context) => {
    const vm = await startVm(guest, { test: context });
    await vm.console.waitFor('H\n');
    await vm.console.type('hello');
    await vm.console.waitFor(/h.*o/);

    await vm.waitForStatus('running');
    const paused = vm.waitForStatus('paused');
    await vm.qmp.execute('stop');
    await paused;
    await vm.qmp.execute('cont');
    await vm.waitForStatus('running');
    await vm.waitForEvent('monitor', ({ name }) => name === 'STOP');

    expect(await vm.stop()).toMatchObject({ ending: 'guest-shutdown', rung: 'powerdown' });
    await expect(vm.console.waitFor('more')).rejects.toThrow('the VM ended (the guest shut down');
    expect(() => vm.qmp).toThrow('has no monitor now');
  });

  it('leaves nothing behind and writes the VM down when the test throws', async () => {
    const dumps = join(folder, 'dumps');
    let vm: TestVm | undefined;
    const failing = withVm(
      guest,
      async (started) => {
        vm = started;
        await started.console.waitFor('H\n');
        throw new Error('the test is wrong');
      },
      { dumps },
    );
    await expect(failing).rejects.toThrow('the test is wrong');
    const qemu = vm!.events.find(({ event }) => event === 'qemu')!.pid as number;
    expect(isAlive(qemu)).toBe(false);
    const [dump] = readdirSync(dumps);
    expect(readFileSync(join(dumps, dump!, 'console.txt'), 'utf8')).toContain('H\n');
    expect(JSON.parse(readFileSync(join(dumps, dump!, 'status.json'), 'utf8'))).toMatchObject({
      name: 'under-test',
    });
    expect(readdirSync(join(dumps, dump!)).sort()).toEqual([
      'console.txt',
      'events.ndjson',
      'log.txt',
      'status.json',
    ]);
  });

  it('ends a VM whose test forgot it', async () => {
    let end: (context: never) => Promise<void> = async () => {};
    const test = {
      onTestFinished(fn: typeof end) {
        end = fn;
      },
    };
    const vm = await startVm(guest, { test: test as never });
    const qemu = vm.events.find(({ event }) => event === 'qemu')!.pid as number;
    onTestFinished(() => vm.close());
    await end({ task: { result: { state: 'pass' } } } as never);
    expect(isAlive(qemu)).toBe(false);
    expect(vm.state).toBe('ended');
  });

  it('says what is wrong with an object by its key alone', async () => {
    const mistaken = { ...(guest as object), memroy: '1G' } as never;
    await expect(startVm(mistaken)).rejects.toThrow(
      `the test's VM: memroy is not known: did you mean "memory"?`,
    );
  });

  it('rejects with why the VM did not start, and leaves nothing', async () => {
    const broken = { ...(guest as object), extraArguments: ['-device', 'kite'] } as never;
    await expect(startVm(broken)).rejects.toThrow("'kite' is not a valid device model name");
  });

  it('works in node:test as the example shows', async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--test', 'examples/testing/gpu.node-test.mjs'],
      { cwd: root, timeout: 120_000, env: { ...process.env, NODE_OPTIONS: '' } },
    );
    expect(stdout).toMatch(/# pass 1|ℹ pass 1/);
  });
});
