import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, fstatSync, mkdtempSync, openSync, rmSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { addon } from '../../src/native/index.js';
import { QmpClient, replay, Transcript } from '../../src/qmp/index.js';
import { programPath } from './programs.js';

const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
const binaries = ['qemu-system-aarch64', join(cache, 'gpuvm/qemu/bin/qemu-system-aarch64')];

const root = resolve(import.meta.dirname, '../..');
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0).reverse()) clean();
});

function start(binary: string) {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-qmp-'));
  const path = join(folder, 'qmp');
  const base = ['-nodefaults', '-display', 'none', '-qmp', `unix:${path},server=on,wait=off`];
  const qemu = spawn(binary, ['-M', 'none', '-name', 'kite', ...base], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  cleanups.push(() => {
    qemu.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  return { path, folder, pid: qemu.pid! };
}

for (const binary of binaries) {
  const isThere = existsSync(binary) || programPath(binary) !== undefined;
  if (!isThere) console.warn(`SKIPPED: needs ${binary}`);
  describe.skipIf(!isThere)(`the monitor's socket of ${binary}`, () => {
    it('takes descriptors, each with its own command, however many are asked for at once', async () => {
      const { path, folder, pid } = start(binary);
      const client = await QmpClient.connect({ path, outOfBand: true });
      const files = Array.from({ length: 24 }, (_, index) => openSync(join(folder, `file-${index}`), 'w+'));
      const passing = files.map((fd, index) =>
        client.execute('add-fd', { opaque: `${index}` }, { fds: [fd] }),
      );
      const others = files.map(() => client.execute('query-name'));
      const added = await Promise.all(passing);
      expect((await Promise.all(others)).every(({ name }) => name === 'kite')).toBe(true);
      for (const [index, { fd }] of added.entries()) {
        expect(statSync(`/proc/${pid}/fd/${fd}`).ino).toBe(fstatSync(files[index]!).ino);
      }
      const sets = await client.execute('query-fdsets');
      expect(sets.flatMap(({ fds }) => fds.map(({ opaque }) => opaque)).sort()).toEqual(
        files.map((_, index) => `${index}`).sort(),
      );
      await client.execute('getfd', { fdname: 'kept' }, { fds: [files[0]!] });
      await client.execute('closefd', { fdname: 'kept' });
      await expect(client.execute('getfd', { fdname: 'none' })).rejects.toMatchObject({
        code: 'GPUVM_QMP_COMMAND',
      });
      for (const fd of files) addon().closeFd(fd);
      client.close();
    });

    it('goes from one owner to the next in the middle of a long reply', async () => {
      const { path } = start(binary);
      let client = await QmpClient.connect({ path });
      const whole = await client.execute('query-qmp-schema');
      for (let round = 0; round < 10; round++) {
        client.execute('query-qmp-schema').catch(() => undefined);
        client.execute('query-name').catch(() => undefined);
        await new Promise((resolve) => setTimeout(resolve, round));
        const { fd, state } = await client.detach();
        client = await QmpClient.adopt({ fd, state: JSON.parse(JSON.stringify(state)) });
        for (const { command, reply } of client.inherited) {
          expect(await reply).toEqual(command === 'query-name' ? { name: 'kite' } : whole);
        }
        expect(await client.execute('query-name')).toEqual({ name: 'kite' });
      }
      client.close();
    });

    it('goes to another process, with a command in flight', async () => {
      const { path } = start(binary);
      const client = await QmpClient.connect({ path });
      client.execute('query-name').catch(() => undefined);
      const { fd, state } = await client.detach();
      const owner = `
        import { QmpClient } from ${JSON.stringify(join(root, 'src/qmp/index.ts'))};
        const client = await QmpClient.adopt({ fd: 3, state: JSON.parse(process.env.STATE) });
        const inherited = await Promise.all(client.inherited.map(({ reply }) => reply));
        const stopped = client.waitFor('STOP');
        await client.execute('stop');
        console.log(JSON.stringify({ inherited, event: (await stopped).event }));
        client.close();`;
      const args = ['--import', 'tsx', '--input-type=module', '-e', owner];
      const next = spawn(process.execPath, args, {
        cwd: root,
        env: { ...process.env, STATE: JSON.stringify(state) },
        stdio: ['ignore', 'pipe', 'inherit', fd],
      });
      cleanups.push(() => next.kill('SIGKILL'));
      addon().closeFd(fd);
      let printed = '';
      next.stdout!.on('data', (chunk) => {
        printed += chunk;
      });
      await once(next, 'close');
      const said = JSON.parse(printed);
      expect(said.event).toBe('STOP');
      for (const reply of said.inherited) expect(reply).toEqual({ name: 'kite' });
    });

    it('is taken over from an owner who was killed in the middle of a command', async () => {
      const { path } = start(binary);
      (await QmpClient.connect({ path })).close();
      const before = addon().unixConnect(path);
      const into = new Uint8Array(65536);
      const say = (text: string) => addon().unixSend(before, Buffer.from(text), 0, text.length);
      const read = async () => {
        for (;;) {
          const got = addon().unixReceive(before, into, 0, into.length, new Int32Array(1));
          if (got > 0) return got;
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
      };
      await read();
      say('{"execute":"qmp_capabilities"}\n');
      await read();
      say(
        '{"execute":"query-qmp-schema"}\n{"execute":"device_del","arguments":{"id":"nobody"}}\n{"execute":"qui',
      );
      await read();

      const client = await QmpClient.adopt({ fd: addon().duplicateFd(before) });
      addon().closeFd(before);
      expect(client.version[0]).toBeGreaterThan(6);
      expect(await client.execute('query-name')).toEqual({ name: 'kite' });
      const stopped = client.waitFor('STOP', undefined, { deadlineMs: 5_000 });
      await client.execute('stop');
      await stopped;
      client.close();
    });

    it('is recorded, and replayed to the same answers', async () => {
      const { path } = start(binary);
      const transcript = new Transcript();
      const session = async (path: string, transcript?: Transcript) => {
        const client = await QmpClient.connect({ path, transcript });
        const stopped = client.waitFor('STOP');
        const said = [await client.execute('query-version'), await client.execute('query-name')];
        await client.execute('stop');
        const { timeMs } = await stopped;
        const ended = client.waitFor('SHUTDOWN');
        await client.execute('quit');
        const reason = (await ended).data;
        return [...said, timeMs, reason, (await client.ended).code];
      };
      const first = await session(path, transcript);
      await using server = await replay(transcript);
      expect(await session(server.path)).toEqual(first);
      expect(server.mismatches).toEqual([]);
    });
  });
}
