import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { addon, Ready } from '../../src/native/index.js';

const code = (act: () => unknown) => {
  try {
    act();
    return 'no error';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
};

describe('a pidfd', () => {
  it('becomes readable when its process ends, and hits nobody else from then on', async () => {
    const child = spawn('sleep', ['60']);
    await once(child, 'spawn');
    const fd = addon().pidfdOpen(child.pid!);
    const ended = new Promise<void>((resolve) => {
      const watch = new (addon().Readiness)(fd, () => {
        watch.close();
        resolve();
      });
      watch.watch(Ready.READABLE);
    });
    addon().pidfdSendSignal(fd, 0);
    addon().pidfdSendSignal(fd, constants.signals.SIGKILL);
    await ended;
    if (child.signalCode === null) await once(child, 'exit');
    expect(child.signalCode).toBe('SIGKILL');
    expect(code(() => addon().pidfdSendSignal(fd, 0))).toBe('ESRCH');
    addon().closeFd(fd);
    expect(code(() => addon().pidfdOpen(child.pid!))).toBe('ESRCH');
  });
});

describe('CPU affinity', () => {
  it('is set for a thread, and refused for CPUs that are not there', () => {
    const cpus = addon().getAffinity(0);
    expect(cpus.length).toBeGreaterThan(0);
    const child = spawn('sleep', ['60']);
    try {
      const last = cpus.at(-1)!;
      addon().setAffinity(child.pid!, Int32Array.of(last));
      expect(addon().getAffinity(child.pid!)).toEqual([last]);
      expect(code(() => addon().setAffinity(child.pid!, Int32Array.of(8191)))).toBe('EINVAL');
      expect(code(() => addon().setAffinity(child.pid!, Int32Array.of(9000)))).toBe('EINVAL');
      expect(addon().getAffinity(child.pid!)).toEqual([last]);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
