import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { wrapCommand } from '../../../../src/bpmp/bridge/interposed/index.js';

const { file } = wrapCommand('true', [], { socketFd: 3 });

describe('wrapCommand', () => {
  it('puts the program and its own options behind the wrapper', () => {
    expect(wrapCommand('qemu', ['-M', 'virt'], { socketFd: 4 }).args).toEqual([
      '--socket',
      '4',
      '--',
      'qemu',
      '-M',
      'virt',
    ]);
    expect(wrapCommand('qemu', [], { socketFd: 4, oldKernel: true }).args).toContain('--old-kernel');
  });
});

describe.skipIf(!existsSync(file))('gpuvm-exec', () => {
  const run = (...args: string[]) => spawnSync(file, args, { encoding: 'utf8' });

  it.each([
    [[]],
    [['--socket', '3']],
    [['--socket', 'x', '--', 'true']],
    [['--socket', '-1', '--', 'true']],
    [['--nonsense', '--', 'true']],
    [['--', 'true']],
  ])('shows its usage for %j', (args) => {
    const { status, stderr } = run(...args);
    expect(status).toBe(64);
    expect(stderr).toContain('usage: gpuvm-exec [--socket FD');
  });

  it('says in one line that there is no socket', () => {
    const { status, stderr } = run('--socket', '99', '--', 'true');
    expect(status).toBe(125);
    expect(stderr).toBe('gpuvm-exec: handing the listener to gpuvm: Bad file descriptor\n');
  });
});
