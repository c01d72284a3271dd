/**
 * In a twin: what its addon exports, and what it makes of a few of the kernel's interfaces. An addon that was compiled for
 * another processor must be the same addon.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, ftruncateSync, openSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { addon, nativeProgram, Ready } from '../../../../src/native/index.js';

/** The code of the error that came of it, or 'none'. */
function code(act: () => unknown): string {
  try {
    act();
    return 'none';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

export const addonCases: Readonly<Record<string, () => unknown>> = {
  'addon-exports': () => Object.fromEntries(Object.entries(addon()).map(([name, it]) => [name, typeof it])),

  eventfd: () => {
    const fd = addon().eventfdCreate();
    const unsignalled = addon().eventfdDrain(fd);
    addon().eventfdSignal(fd);
    addon().eventfdSignal(fd);
    const signalled = addon().eventfdDrain(fd);
    addon().closeFd(fd);
    return { unsignalled, signalled, afterClose: code(() => addon().eventfdSignal(fd)) };
  },

  memfd: () => {
    const size = 4 * addon().pageSize();
    const fd = addon().createMemory('twin', size);
    const one = new Uint8Array(addon().mapMemory(fd, size));
    const other = new Uint8Array(addon().mapMemory(fd, size));
    one[size - 1] = 0xa5;
    return {
      pageSize: addon().pageSize(),
      seen: other[size - 1],
      grow: code(() => ftruncateSync(fd, 2 * size)),
      maintains: [addon().maintainsCache, addon().maintainCache(one)],
      kept: one[size - 1],
      closed: closeSync(fd) ?? null,
    };
  },

  pidfd: async () => {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' });
    await once(child, 'spawn');
    const fd = addon().pidfdOpen(child.pid!);
    const ended = new Promise<string>((resolve) => {
      const watch = new (addon().Readiness)(fd, () => {
        watch.close();
        resolve('readable');
      });
      watch.watch(Ready.READABLE);
    });
    const exited = once(child, 'exit');
    const alive = code(() => addon().pidfdSendSignal(fd, 0));
    addon().pidfdSendSignal(fd, constants.signals.SIGKILL);
    const woken = await ended;
    await exited;
    const gone = code(() => addon().pidfdSendSignal(fd, 0));
    addon().closeFd(fd);
    return { alive, woken, signal: child.signalCode, gone };
  },

  'file-lock': () => {
    const path = join(tmpdir(), 'addon-lock');
    const first = openSync(path, 'w');
    const second = openSync(path, 'w');
    const taken = [addon().tryLockFile(first), addon().tryLockFile(second)];
    closeSync(first);
    taken.push(addon().tryLockFile(second));
    closeSync(second);
    return taken;
  },

  // Its filter is made for the processor that it was compiled for.
  'exec-wrapper': () => {
    const { status, stdout, stderr } = spawnSync(
      nativeProgram('gpuvm-exec'),
      ['--hide', '/dev/none', '--', 'uname', '-m'],
      { encoding: 'utf8' },
    );
    return { status, stdout, stderr };
  },
};
