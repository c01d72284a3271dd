import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseVmFile } from '../../src/config/index.js';
import {
  danglingReferences,
  findNode,
  parseTree,
  readCells,
  readStrings,
} from '../../src/devicetree/index.js';
import { askDevice, askMachines, askVersion, dumpTree, requireVfioUser } from '../../src/qemu/index.js';
import { VirtualMachine } from '../../src/vm/index.js';
import { bootSector } from './boot-sector.js';
import { GpuvmProcess } from './gpuvm-process.js';
import { hasProgram, programPath } from './programs.js';

const x86 = 'qemu-system-x86_64';
const arm = 'qemu-system-aarch64';

describe.skipIf(!hasProgram(x86))('gpuvm run with a real QEMU', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-run-'));
  const runtime = join(folder, 'runtime');
  const running: GpuvmProcess[] = [];
  beforeAll(() => {
    process.env.XDG_RUNTIME_DIR = mkdtempSync(runtime);
    writeFileSync(join(folder, 'boot.img'), bootSector());
  });
  afterEach(() => {
    for (const { child } of running.splice(0)) child.kill('SIGKILL');
    expect(readdirSync(process.env.XDG_RUNTIME_DIR!)).toEqual([]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function vmFile(name: string, text: string): string {
    const file = join(folder, `${name}.yaml`);
    writeFileSync(file, `name: ${name}\nqemu: { binary: ${x86} }\n${text}`);
    return file;
  }

  function gpuvm(...args: string[]): GpuvmProcess {
    const started = new GpuvmProcess(...args);
    running.push(started);
    return started;
  }

  const none = 'machine: none\nstop: { powerdown: 200ms }\n';
  const guest = `machine: pc
memory: 16M
extraArguments: [-drive, "file=\${here}/boot.img,format=raw,if=ide", -no-reboot]
`;

  it('shows the guest its console, and ends with 0 when the guest powers off', async () => {
    const vm = gpuvm('run', vmFile('talk', guest));
    await vm.waitFor('stdout', 'H\n');
    vm.child.stdin!.write('abc');
    await vm.waitFor('stdout', 'abc');
    vm.child.stdin!.write('q');
    expect(await vm.ended).toBe(0);
    expect(vm.stderr).toBe('gpuvm: talk: the guest shut down\n');
  });

  it('powers the guest off at Ctrl-C, by its power button', async () => {
    const events = join(folder, 'events.ndjson');
    const vm = gpuvm('run', vmFile('button', guest), '--events', events, '--json');
    await vm.waitFor('stderr', 'H\n');
    vm.child.kill('SIGINT');
    expect(await vm.ended).toBe(0);
    expect(JSON.parse(vm.stdout)).toMatchObject({
      vm: 'button',
      ending: 'guest-shutdown',
      rung: 'powerdown',
      shutdown: { guest: true, reason: 'guest-shutdown' },
    });
    const lines = readFileSync(events, 'utf8').trim().split('\n');
    const seen = lines.map((line) => JSON.parse(line) as { event: string; state?: string; rung?: string });
    // What QEMU itself says comes between, at times of its own.
    const own = seen.filter(({ event }) => event !== 'monitor');
    expect(own.map(({ event, state, rung }) => (event === 'rung' ? rung : (state ?? event)))).toEqual([
      'preparing',
      'checking',
      'binding',
      'bridge',
      'qemu',
      'qemu',
      'monitor',
      'running',
      'stop-asked',
      'stopping',
      'powerdown',
      'asked',
      'releasing',
      'run-end',
      'restoring',
      'ended',
      'end',
    ]);
  });

  it.skipIf(!hasProgram('script'))(
    'takes Ctrl-C as a key at a terminal, and hands all others to the guest',
    async () => {
      const file = vmFile('keys', guest);
      const inside = `${process.execPath} --import tsx src/cli/main.ts run ${file}`;
      const terminal = spawn('script', ['-qec', inside, '/dev/null'], {
        cwd: join(import.meta.dirname, '../..'),
      });
      let screen = '';
      const seen = async (text: string) => {
        await expect.poll(() => screen, { timeout: 30_000 }).toContain(text);
      };
      terminal.stdout.on('data', (chunk) => {
        screen += chunk;
      });
      await seen('H\r\n');
      // Once, as the guest repeats it: the terminal itself shows nothing.
      terminal.stdin.write('hello');
      await seen('hello');
      terminal.stdin.write('\u0003');
      expect(await new Promise((resolve) => terminal.once('close', resolve))).toBe(0);
      expect(screen.match(/hello/g)).toHaveLength(1);
      expect(screen).toContain('keys: the guest shut down, as it was asked to');
    },
  );

  it('tells a reset with -no-reboot from a power-off', async () => {
    const vm = gpuvm('run', vmFile('reset', guest));
    await vm.waitFor('stdout', 'H\n');
    vm.child.stdin!.write('r');
    expect(await vm.ended).toBe(3);
  });

  it('goes down the ladder for a guest that does not listen, and a rung at each further Ctrl-C', async () => {
    const first = gpuvm('run', vmFile('deaf', none), '--verbose');
    await first.waitFor('stderr', 'state: running');
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(5);
    expect(first.stderr).toContain("deaf: the VM was stopped by QMP's quit");

    const slow = 'machine: none\nstop: { powerdown: 1h }\n';
    const second = gpuvm('run', vmFile('slow', slow), '--verbose');
    await second.waitFor('stderr', 'state: running');
    second.child.kill('SIGINT');
    await second.waitFor('stderr', 'stopping: powerdown');
    second.child.kill('SIGINT');
    expect(await second.ended).toBe(5);
    expect(second.stderr).toContain('stopping: quit');
  });

  it('calls it a crash when QEMU is killed', async () => {
    const events = join(folder, 'crash.ndjson');
    const vm = gpuvm('run', vmFile('crash', none), '--verbose', '--events', events);
    await vm.waitFor('stderr', 'state: running');
    const started = readFileSync(events, 'utf8')
      .split('\n')
      .find((line) => line.startsWith('{"event":"qemu"'));
    const { pid } = JSON.parse(started!) as { pid: number };
    process.kill(pid, 'SIGKILL');
    expect(await vm.ended).toBe(70);
    expect(vm.stderr).toContain('crash: QEMU was killed by SIGKILL without a shutdown');
  });

  it('explains a QEMU that exits at once in one line, with its own words', async () => {
    const vm = gpuvm('run', vmFile('bad', `${none}extraArguments: [-device, kite]\n`));
    expect(await vm.ended).toBe(69);
    expect(vm.stderr).toBe(
      `gpuvm: ${x86} exited with status 1 before it could be used: ${x86}: -device kite: 'kite' is not a valid device model name\n`,
    );
  });

  it('leaves the monitor to a program that uses the library', async () => {
    const vm = new VirtualMachine(
      parseVmFile(`name: lib\n${none}qemu: { binary: ${x86} }`, { file: '/vm.yaml' }),
    );
    vm.on('state', (state) => {
      if (state === 'running') void vm.qmp?.execute('quit');
    });
    expect(await vm.run()).toMatchObject({
      ending: 'ended-from-outside',
      shutdown: { guest: false, reason: 'host-qmp-quit' },
    });
  });
});

describe.skipIf(!hasProgram(arm))('what a real QEMU can do', () => {
  it('is told by itself', async () => {
    const { major, minor, text } = await askVersion(arm);
    expect(text).toContain(`${major}.${minor}.`);
    expect(await askMachines(arm)).toEqual(expect.arrayContaining(['none', 'virt']));
    expect(await askDevice(arm, 'edu')).toContain('dma_mask');
    expect(await askDevice(arm, 'kite')).toBeUndefined();
  });

  it('is not enough where there is no vfio-user-pci', async (context) => {
    const { major, minor } = await askVersion(arm);
    context.skip(major > 10 || (major === 10 && minor >= 1), `${programPath(arm)} has vfio-user-pci`);
    await expect(requireVfioUser(arm)).rejects.toMatchObject({
      code: 'GPUVM_QEMU_UNSUITABLE',
      message: expect.stringMatching(
        /^this QEMU \d+\.\d+\.\d+ has no vfio-user-pci: 10\.1 or newer is needed, set qemu\.binary/,
      ),
    });
  });

  it('is asked of it only when a VM with a bridge does not start', async (context) => {
    const { major, minor } = await askVersion(arm);
    context.skip(major > 10 || (major === 10 && minor >= 1), `${programPath(arm)} has vfio-user-pci`);
    const policy = fileURLToPath(new URL('../../examples/policies/gpu.yaml', import.meta.url));
    const text = `name: old
qemu: { binary: ${arm} }
machine: virt
cpu: cortex-a53
bridge: { kind: ivc }
policy: ${policy}`;
    vi.stubEnv('XDG_RUNTIME_DIR', tmpdir());
    const vm = new VirtualMachine(parseVmFile(text, { file: '/old.yaml' }));
    await expect(vm.run()).rejects.toMatchObject({
      code: 'GPUVM_QEMU_UNSUITABLE',
      message: expect.stringContaining('has no vfio-user-pci'),
    });
    vi.unstubAllEnvs();
  });

  it('includes the device tree that it makes for a machine', async () => {
    const text = `name: tree\nqemu: { binary: ${arm} }\nmachine: virt,gic-version=3\ncpu: cortex-a53\nsmp: 3\nmemory: 192M`;
    const path = join(tmpdir(), `gpuvm-dumped-${process.pid}`);
    const tree = parseTree(await dumpTree(parseVmFile(text, { file: '/tree.yaml' }), path));
    expect([...findNode(tree, '/cpus')!.children].filter(({ name }) => name.startsWith('cpu@'))).toHaveLength(
      3,
    );
    expect(readCells(findNode(tree, '/memory@40000000')!.get('reg'))).toEqual([0, 0x4000_0000, 0, 192 << 20]);
    expect(readStrings(findNode(tree, '/intc')!.get('compatible'))).toContain('arm,gic-v3');
    expect(danglingReferences(tree)).toEqual([]);
    const broken = parseVmFile(text.replace('cortex-a53', 'kite'), { file: '/tree.yaml' });
    await expect(dumpTree(broken, path)).rejects.toMatchObject({
      code: 'GPUVM_QEMU_UNSUITABLE',
      message: expect.stringContaining('kite'),
    });
  });

  it('is asked of QEMUs only', async () => {
    await expect(askVersion('true')).rejects.toMatchObject({ code: 'GPUVM_QEMU_UNSUITABLE' });
    await expect(askVersion('qemu-nowhere')).rejects.toMatchObject({ code: 'GPUVM_QEMU_START' });
    await expect(askVersion('/etc/passwd')).rejects.toMatchObject({ code: 'GPUVM_QEMU_START' });
    await expect(askVersion('sh', 50)).rejects.toMatchObject({ code: 'GPUVM_QEMU_UNSUITABLE' });
  });
});
