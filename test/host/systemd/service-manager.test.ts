import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { ServiceManager } from '../../../src/host/systemd/index.js';
import { StandInManager } from './stand-in.js';

const folder = mkdtempSync(join(tmpdir(), 'gpuvm-notify-'));
let names = 0;
let standIn: StandInManager | undefined;
afterEach(() => standIn?.close());
afterAll(() => rmSync(folder, { recursive: true }));

async function listening(name: string, ...how: string[]): Promise<ServiceManager> {
  standIn = await StandInManager.listen(name, ...how);
  return ServiceManager.take({ NOTIFY_SOCKET: name });
}

const path = () => join(folder, `notify-${names++}`);

describe('a service manager', () => {
  it.each([path, () => `@gpuvm-test/${process.pid}/${names++}`])(
    'hears what it is told, in order',
    async (name) => {
      const manager = await listening(name());
      const file = openSync('/dev/zero', 'r');
      void manager.notify({ status: 'QEMU\n starts', extendTimeoutMs: 1500 });
      void manager.notify({ ready: true, status: 'läuft', fdStore: [{ name: 'qmp', fd: file }] });
      expect(await manager.notify({ fdStoreRemove: ['state'], watchdog: true })).toBe(true);
      closeSync(file);
      const heard = await Promise.all([1, 2, 3, 4, 5].map(() => standIn!.next()));
      expect(heard).toEqual(
        [
          ['STATUS=QEMU starts\nEXTEND_TIMEOUT_USEC=1500000', []],
          ['READY=1\nSTATUS=läuft', []],
          ['FDSTORE=1\nFDNAME=qmp\nFDPOLL=0', ['/dev/zero']],
          ['WATCHDOG=1', []],
          ['FDSTOREREMOVE=1\nFDNAME=state', []],
        ].map(([text, fds]) => ({ text, fds, pid: process.pid })),
      );
    },
  );

  it('is waited for until it has acted', async () => {
    const manager = await listening(path(), 'slow');
    const file = openSync('/dev/zero', 'r');
    let isStored = false;
    const stored = manager.store([{ name: 'zero', fd: file }]).then((sent) => {
      isStored = sent;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(isStored).toBe(false);
    standIn!.read();
    await stored;
    expect(isStored).toBe(true);
    closeSync(file);
    expect((await standIn!.next()).fds).toEqual(['/dev/zero']);
    expect(await standIn!.next()).toMatchObject({
      text: 'BARRIER=1',
      fds: [expect.stringContaining('socket')],
    });
  });

  it('that does not act is an error, after a while', async () => {
    const manager = await listening(path(), 'slow');
    await expect(manager.barrier(50)).rejects.toMatchObject({ code: 'GPUVM_SYSTEMD' });
  });

  it('whose queue is full is waited for', async () => {
    const name = path();
    const manager = await listening(name, 'slow');
    const all = Array.from({ length: 600 }, (_, index) => manager.notify({ status: `${index}` }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    standIn!.read();
    expect(new Set(await Promise.all(all))).toEqual(new Set([true]));
    for (let index = 0; index < 600; index++) expect((await standIn!.next()).text).toBe(`STATUS=${index}`);
  });

  it('may be gone, or never have been', async () => {
    const gone = ServiceManager.take({ NOTIFY_SOCKET: path() });
    expect(await gone.notify({ ready: true })).toBe(false);
    const none = ServiceManager.take({});
    expect(none.isPresent).toBe(false);
    expect(await none.notify({ ready: true })).toBe(false);
    expect(await none.store([{ name: 'x', fd: 0 }])).toBe(false);
    await none.barrier();
  });

  it('takes no name for a descriptor that it would refuse', async () => {
    const manager = ServiceManager.take({});
    for (const name of ['', 'a:b', 'a\nb', 'ä', 'x'.repeat(256)]) {
      await expect(manager.notify({ fdStore: [{ name, fd: 0 }] })).rejects.toMatchObject({
        code: 'GPUVM_USAGE',
      });
    }
  });
});

describe('descriptors that were passed', () => {
  it('are found by name, closed on exec, and announced to nobody else', () => {
    // A shell stands in for systemd: it opens 3 and 4, and becomes the program, whose number it tells beforehand.
    const program = `
      import { readFileSync } from 'node:fs';
      import { execFileSync } from 'node:child_process';
      import { ServiceManager } from ${JSON.stringify(join(import.meta.dirname, '../../../src/host/systemd/index.js'))};
      const manager = ServiceManager.take();
      const fds = manager.receivedFds();
      console.log(JSON.stringify({
        fds,
        again: manager.receivedFds() === fds,
        texts: fds.map(({ fd }) => readFileSync(fd, 'utf8')),
        child: execFileSync('sh', ['-c', 'ls /proc/self/fd; env'], { encoding: 'utf8' }).split('\\n'),
      }));
    `;
    const start = `exec 3<"$1" 4</dev/null; LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=journal: NOTIFY_SOCKET=@x \
      exec "$2" --import tsx --input-type=module -e "$3"`;
    const said = execFileSync(
      'sh',
      ['-c', start, 'sh', join(import.meta.dirname, 'manager.py'), process.execPath, program],
      {
        encoding: 'utf8',
        cwd: join(import.meta.dirname, '../../..'),
      },
    );
    const { fds, again, texts, child } = JSON.parse(said) as {
      fds: unknown;
      again: boolean;
      texts: string[];
      child: string[];
    };
    expect(fds).toEqual([
      { name: 'journal', fd: 3 },
      { name: 'unknown', fd: 4 },
    ]);
    expect(again).toBe(true);
    expect(texts).toEqual([readFileSync(join(import.meta.dirname, 'manager.py'), 'utf8'), '']);
    expect(child.filter((line) => /^(4|LISTEN_.*|NOTIFY_.*|WATCHDOG_.*)$/.test(line))).toEqual([]);
  });

  it('must be there', () => {
    const env = { LISTEN_PID: String(process.pid), LISTEN_FDS: '4000' };
    expect(() => ServiceManager.take(env).receivedFds()).toThrowError(
      expect.objectContaining({ code: 'GPUVM_SYSTEMD' }),
    );
    expect(env).toEqual({});
  });
});
