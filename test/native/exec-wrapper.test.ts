import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nativeProgram } from '../../src/native/index.js';

const wrapper = nativeProgram('gpuvm-exec');
const NOBODY = '65534';
const isRoot = process.geteuid?.() === 0;
if (!isRoot) console.warn('SKIPPED: only root can make device nodes and change accounts');

const run = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(wrapper, args, { encoding: 'utf8', timeout: 20_000 });
  return { status, stdout, stderr };
};

describe.skipIf(!isRoot || !existsSync(wrapper))('gpuvm-exec confines a program', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-exec-'));
  const node = join(folder, 'device');
  /** The same device by another name, which nobody hides. */
  const other = join(folder, 'other');
  beforeAll(() => {
    chmodSync(folder, 0o755);
    for (const path of [node, other]) {
      spawnSync('mknod', [path, 'c', '1', '3']);
      chmodSync(path, 0o666);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('to an account, with no group and no privilege beside it', () => {
    const { stdout, status } = run('--user', NOBODY, '--group', NOBODY, '--', 'cat', '/proc/self/status');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Uid:\s+65534\s+65534\s+65534\s+65534$/m);
    expect(stdout).toMatch(/^Gid:\s+65534\s+65534\s+65534\s+65534$/m);
    expect(stdout).toMatch(/^Groups:\s*$/m);
    expect(stdout).toMatch(/^CapEff:\s+0+$/m);
    expect(stdout).toMatch(/^NoNewPrivs:\s+1$/m);
  });

  it('away from a device, by whatever call it is opened, and nobody else', () => {
    const hidden = run('--hide', node, '--', 'sh', '-c', `echo x > ${node}`);
    expect(hidden.stderr).toContain('Permission denied');
    expect(spawnSync('sh', ['-c', `echo x > ${node}`]).status).toBe(0);
    const account = ['--user', NOBODY, '--group', NOBODY];
    const both = run(
      '--hide',
      node,
      ...account,
      '--out-of-reach',
      node,
      '--',
      'sh',
      '-c',
      `echo x > ${node}`,
    );
    expect(both.stderr).toContain('Permission denied');
    // A namespace of the account's own brings nothing back: what was mounted before it came is not its to unmount.
    const undo = `unshare --user --map-root-user --mount sh -c 'umount ${node}; echo x > ${node}'`;
    const undone = run('--hide', node, ...account, '--', 'sh', '-c', undo);
    expect(undone.status).not.toBe(0);
  });

  it('without root too, by a user namespace', (context) => {
    const asNobody = ['--reuid', NOBODY, '--regid', NOBODY, '--clear-groups'];
    const can = spawnSync('setpriv', [...asNobody, 'unshare', '--user', '--mount', 'true']).status === 0;
    context.skip(!can, 'this kernel gives user namespaces to root alone');
    // The wrapper lies where only root may look, perhaps.
    const command = [
      '--hide',
      node,
      '--out-of-reach',
      node,
      '--',
      'sh',
      '-c',
      `echo x > ${other}; echo x > ${node}`,
    ];
    const copy = join(folder, 'gpuvm-exec');
    spawnSync('cp', [wrapper, copy]);
    const { status, stderr } = spawnSync('setpriv', [...asNobody, copy, ...command], { encoding: 'utf8' });
    expect(stderr).toMatch(/device: Permission denied/);
    expect(stderr).not.toMatch(/other/);
    expect(status).not.toBe(0);
  });

  it('or does not start it where its account can open the device past the bridge, and says what to do', () => {
    const account = ['--user', NOBODY, '--group', NOBODY];
    expect(run(...account, '--out-of-reach', node, '--', 'true')).toEqual({
      status: 120,
      stdout: '',
      stderr: `gpuvm-exec: QEMU's account can open ${node} past gpuvm: give the node to root alone (chown root:root ${node}; chmod 0600 ${node})\n`,
    });
    chmodSync(other, 0o600);
    expect(run(...account, '--out-of-reach', other, '--', 'true').status).toBe(0);
    expect(run(...account, '--out-of-reach', join(folder, 'none'), '--', 'true').status).toBe(0);
  });

  it('to the life of the process that started it', async () => {
    // The shell starts it and is killed; what it started must not outlive it.
    const script = `${wrapper} --die-with $$ -- sleep 60 & echo $!; wait`;
    const shell = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [chunk] = (await once(shell.stdout, 'data')) as [Buffer];
    const pid = Number(String(chunk));
    await expect.poll(() => commandOf(pid)).toContain('sleep');
    shell.kill('SIGKILL');
    await expect.poll(() => commandOf(pid)).toBe('');
    expect(run('--die-with', '1', '--', 'true')).toMatchObject({
      status: 119,
      stderr: 'gpuvm-exec: gpuvm ended: No such process\n',
    });
  });

  it('with as much locked memory as we may give it, where that is asked for', () => {
    const limit = (text: string) => /^Max locked memory\s+(\S+)\s+(\S+)/m.exec(text)?.slice(1);
    const account = ['--user', NOBODY, '--group', NOBODY];
    const { stdout } = run('--lift-memory-lock', ...account, '--', 'cat', '/proc/self/limits');
    const [soft, hard] = limit(stdout)!;
    expect(soft).toBe(hard);
    const ours = limit(readFileSync('/proc/self/limits', 'utf8'))![1];
    expect(['unlimited', ours]).toContain(hard);
  });
});

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
