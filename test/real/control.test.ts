import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ControlClient, findVm } from '../../src/control/index.js';
import { bootSector } from './boot-sector.js';
import { GpuvmProcess } from './gpuvm-process.js';
import { hasProgram } from './programs.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const x86 = 'qemu-system-x86_64';

describe.skipIf(!hasProgram(x86))('the control socket of a real VM', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-real-control-'));
  const sockets = join(folder, 'run');
  const running: GpuvmProcess[] = [];

  beforeAll(() => {
    process.env.GPUVM_RUNTIME_DIR = sockets;
    writeFileSync(join(folder, 'boot.img'), bootSector());
    writeFileSync(
      join(folder, 'vm.yaml'),
      `name: talk
qemu: { binary: ${x86} }
machine: pc
memory: 16M
extraArguments: [-drive, "file=\${here}/boot.img,format=raw,if=ide"]
`,
    );
  });
  afterEach(() => {
    for (const { child } of running.splice(0)) child.kill('SIGKILL');
  });
  afterAll(() => {
    delete process.env.GPUVM_RUNTIME_DIR;
    rmSync(folder, { recursive: true });
  });

  function gpuvm(...args: string[]): GpuvmProcess {
    const started = new GpuvmProcess(...args);
    running.push(started);
    return started;
  }

  /** A command to its end. */
  async function said(...args: string[]) {
    const command = gpuvm(...args);
    const status = await command.ended;
    const { stdout, stderr } = command;
    return { status, stdout, stderr };
  }

  /** The guest has said "H", and so it listens. */
  async function started(): Promise<{ vm: GpuvmProcess; client: ControlClient }> {
    const vm = gpuvm('run', join(folder, 'vm.yaml'));
    await vm.waitFor('stdout', 'H\n');
    return { vm, client: await findVm('talk') };
  }

  async function until(is: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const start = performance.now();
    while (!(await is())) {
      if (performance.now() - start > 30_000) throw new Error(`never: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  it('goes through a whole life by its commands', async () => {
    const { vm } = await started();
    const listed = JSON.parse((await said('ps', '--json')).stdout) as {
      name: string;
      state: string;
      pid: number;
    }[];
    expect(listed).toMatchObject([{ name: 'talk', state: 'running' }]);
    expect(readdirSync(`/proc/${listed[0]!.pid}`)).toContain('cmdline');

    expect((await said('pause', 'talk')).stderr).toBe('gpuvm: talk: paused\n');
    const { stdout } = await said('qmp', 'talk', 'query-status', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ status: 'paused', running: false });
    expect(await said('pause', 'talk')).toMatchObject({
      status: 75,
      stderr: expect.stringMatching(/^gpuvm: talk is paused \(.*\n$/),
    });
    expect((await said('resume', 'talk')).stderr).toBe('gpuvm: talk: running\n');

    const refused = await said('qmp', 'talk', 'no-such-command', '--json');
    expect(refused.status).toBe(70);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      error: { code: 'GPUVM_QMP_COMMAND', details: { class: 'CommandNotFound' } },
    });

    const stopped = await said('stop', join(folder, 'vm.yaml'), '--wait', '--json');
    expect(stopped.status).toBe(0);
    expect(JSON.parse(stopped.stdout)).toMatchObject({
      state: 'ended',
      ending: { ending: 'guest-shutdown' },
    });
    expect(await vm.ended).toBe(0);
    expect(readdirSync(sockets)).toEqual([]);
    expect(await said('status', 'talk')).toMatchObject({
      status: 69,
      stderr: 'gpuvm: no VM talk runs, nor any other\n',
    });
  });

  it('has its console typed into, paused, resumed and reset, and tells what happened', async () => {
    const { vm, client } = await started();
    const console = await client.console();
    let heard = '';
    console.on('data', (chunk) => {
      heard += chunk;
    });
    await until(() => heard.includes('H\n'), 'what was said before comes first');
    console.write('abc');
    await until(() => heard.endsWith('abc'), 'the guest answers');

    await client.pause();
    console.write('def');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(heard.endsWith('abc')).toBe(true);
    await client.resume();
    await until(() => heard.endsWith('def'), 'it answers once it goes on');

    await client.reset();
    await until(() => heard.split('H\n').length === 3, 'it starts again');
    await client.type(Buffer.from('q'));
    await new Promise((resolve) => console.once('close', resolve));
    expect(await vm.ended).toBe(0);
  });

  it('streams events to their end, which --now brings about without asking the guest', async () => {
    const file = join(folder, 'deaf.yaml');
    writeFileSync(file, `name: deaf\nqemu: { binary: ${x86} }\nmachine: none\nstop: { powerdown: 10min }\n`);
    const vm = gpuvm('run', file);
    await until(() => existsSync(join(sockets, 'deaf.sock')), 'it is there');
    const client = await findVm('deaf');
    const states: unknown[] = [];
    const following = (async () => {
      for await (const { event, state } of client.events({ follow: true })) {
        if (event === 'state') states.push(state);
      }
    })();
    await until(() => states.includes('running'), 'it runs');
    const last = await client.stop({ now: true, wait: true });
    expect(last).toMatchObject({ state: 'ended', ending: { ending: 'stopped' } });
    await following;
    expect(states).toContain('monitor');
    expect(states.slice(-3)).toEqual(['releasing', 'restoring', 'ended']);
    expect(await vm.ended).toBe(5);
  });

  // `script` makes the terminal.
  it.skipIf(!hasProgram('script'))(
    'is a terminal whose keys go to the guest, but for the one that leaves',
    async () => {
      await started();
      const command = `${process.execPath} --import tsx src/cli/main.ts console talk; echo left with $?; stty -a`;
      const terminal = spawn('script', ['-qfc', command, '/dev/null'], { cwd: root, stdio: 'pipe' });
      let output = '';
      terminal.stdout.on('data', (chunk) => {
        output += chunk;
      });
      await until(() => output.includes('H\r\n'), 'the recent output comes first');
      expect(output).toContain('the console of talk; Ctrl-] leaves');
      terminal.stdin.write('x\u0003y');
      await until(() => output.includes('x\u0003y'), 'Ctrl-C goes to the guest, which says it again');
      terminal.stdin.write('\u001d');
      await until(() => output.includes('left with 0') && output.includes('icanon'), 'Ctrl-] leaves');
      terminal.kill();
      expect(output).toContain('left the console of talk, which runs on');
      expect(output).not.toContain('-icanon');
      expect(await (await findVm('talk')).status()).toMatchObject({ state: 'running' });
    },
  );

  it('is refused to a second VM of its name, and left to the next by one that was killed', async () => {
    const { vm, client } = await started();
    const { pid } = await client.status();
    const second = await said('run', join(folder, 'vm.yaml'));
    expect(second).toMatchObject({
      status: 75,
      stdout: '',
      stderr: `gpuvm: ${join(sockets, 'talk.sock')} is in use by the supervisor with process id ${vm.child.pid}: this VM runs already\n`,
    });
    expect(await client.status()).toMatchObject({ pid });

    vm.child.kill('SIGKILL');
    await vm.ended;
    try {
      process.kill(pid!, 'SIGKILL');
    } catch {
      // It went with its supervisor.
    }
    const stale = await said('ps', '--json');
    expect(JSON.parse(stale.stdout)).toMatchObject([{ name: 'talk', state: 'stale' }]);
    const { client: next } = await started();
    expect(await next.stop({ wait: true })).toMatchObject({ state: 'ended' });
  });
});
