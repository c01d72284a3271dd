import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { QmpClient } from '../../src/qmp/index.js';
import { hasProgram } from './programs.js';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

function start(binary: string, ...args: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-qmp-'));
  const path = join(folder, 'qmp');
  const base = ['-nodefaults', '-display', 'none', '-qmp', `unix:${path},server=on,wait=off`];
  const qemu = spawn(binary, [...args, ...base], { stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = new Promise<number | null>((resolve) => qemu.once('exit', resolve));
  cleanups.push(() => {
    qemu.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  return { path, qemu, exited };
}

for (const binary of ['qemu-system-aarch64', 'qemu-system-x86_64']) {
  describe.skipIf(!hasProgram(binary))(`QMP against ${binary}`, () => {
    it('connects while QEMU starts, asks, and quits', async () => {
      const { path, exited } = start(binary, '-M', 'none', '-name', 'kite');
      const client = await QmpClient.connect({ path });
      expect((await client.execute('query-version')).qemu.major).toBe(client.version[0]);
      expect(await client.execute('query-name')).toEqual({ name: 'kite' });
      expect((await client.execute('query-status')).status).toBe('running');

      const shutdown = client.waitFor('SHUTDOWN');
      await client.execute('quit');
      expect((await shutdown).data).toEqual({ guest: false, reason: 'host-qmp-quit' });
      expect(await client.ended).toMatchObject({ code: 'GPUVM_QMP_CLOSED' });
      expect(await exited).toBe(0);
    });

    it('keeps hundreds of commands apart', async () => {
      const { path } = start(binary, '-M', 'none');
      const client = await QmpClient.connect({ path });
      const paths = Array.from({ length: 300 }, (_, index) => `/nowhere/${index}`);
      const refusals = await Promise.allSettled(paths.map((path) => client.execute('qom-list', { path })));
      for (const [index, refusal] of refusals.entries()) {
        expect(refusal).toMatchObject({
          reason: {
            code: 'GPUVM_QMP_COMMAND',
            details: { class: 'DeviceNotFound', request: { arguments: { path: paths[index] } } },
          },
        });
      }
      expect((await client.execute('query-qmp-schema')).length).toBeGreaterThan(500);
    });

    it('hears STOP and RESUME, in band and out', async () => {
      const { path } = start(binary, '-M', 'none');
      const client = await QmpClient.connect({ path, outOfBand: true });
      expect(client.outOfBand).toBe(true);
      const events = client.events();
      await client.execute('stop');
      await client.execute('cont');
      expect([(await events.next()).value?.event, (await events.next()).value?.event]).toEqual([
        'STOP',
        'RESUME',
      ]);
      await expect(client.execute('query-status', {}, { outOfBand: true })).rejects.toMatchObject({
        code: 'GPUVM_QMP_COMMAND',
      });
    });

    it('rejects what waits when QEMU is killed', async () => {
      const { path, qemu } = start(binary, '-M', 'none');
      const client = await QmpClient.connect({ path });
      const waiting = client.waitFor('SHUTDOWN');
      qemu.kill('SIGKILL');
      await expect(waiting).rejects.toMatchObject({ code: 'GPUVM_QMP_CLOSED' });
    });
  });
}
