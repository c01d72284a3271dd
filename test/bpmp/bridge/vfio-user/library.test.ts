import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import * as library from '../../../../src/bpmp/bridge/vfio-user/library.js';
import { addon } from '../../../../src/native/index.js';
import { VfioUserClient, version, words } from '../../../support/vfio-user-client.js';
import { serveAlarmClock } from './alarm-clock.js';
import { temporaryFolder } from './served.js';

const root = join(import.meta.dirname, '../../../..');
const page = readFileSync(join(root, 'docs/vfio-user.md'), 'utf8');

describe('the page about the library', () => {
  it('shows the device that is tried here', () => {
    const source = readFileSync(join(import.meta.dirname, 'alarm-clock.ts'), 'utf8');
    const [, shown] = /```ts\n([\s\S]*?)```/.exec(page)!;
    expect(shown).toBe(source.replace(/'[./]*src\/[^']*'/, "'gpuvm/vfio-user'"));
  });

  it('names everything that is exported', () => {
    const missing = Object.keys(library).filter((name) => !page.includes(`\`${name}\``));
    expect(missing).toEqual([]);
  });

  it('is about what the package exports', () => {
    const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const source = exports['./vfio-user'].default.replace('./dist/', 'src/').replace('.js', '.ts');
    expect(existsSync(join(root, source))).toBe(true);
  });
});

it('the device rings after its delay, as often as it is asked to', async () => {
  const path = join(temporaryFolder(), 'alarm');
  const end = serveAlarmClock(path);
  const client = new VfioUserClient(path);
  await client.start();
  const eventfd = addon().eventfdCreate();
  onTestFinished(() => addon().closeFd(eventfd));
  await client.request(8, words(20, 0x24, 0, 0, 1), [eventfd]);
  const status = async () => (await client.read(0, 4, 4)).payload.readUInt32LE(16);
  for (let i = 0; i < 3; i++) {
    await client.write(0, 0, words(20));
    expect([await status(), addon().eventfdDrain(eventfd)]).toEqual([0, 0]);
    await sleep(40);
    expect([await status(), addon().eventfdDrain(eventfd)]).toEqual([1, 1]);
    await client.write(0, 4, words(1));
    // The guest is through with it.
    await client.request(8, words(20, 0x11, 0, 0, 1));
    expect([await status(), addon().eventfdDrain(eventfd)]).toEqual([0, 0]);
  }
  client.close();
  await end;
  expect(existsSync(path)).toBe(false);
});

it('the messages of the vfio_user crate, by which Cloud Hypervisor connects, are answered as it reads them', async () => {
  const path = join(temporaryFolder(), 'socket');
  const end = serveAlarmClock(path);
  const client = new VfioUserClient(path);
  const capabilities = { max_msg_fds: 1, max_data_xfer_size: 1048576, migration: { pgsize: 4096 } };
  const { payload } = await client.request(1, version(`${JSON.stringify(capabilities)}\0`));
  expect(JSON.parse(payload.toString('utf8', 4, payload.length - 1))).toBeTypeOf('object');
  // Its argsz counts the header, and it reads a structure with cap_offset.
  expect((await client.request(4, words(36, 0, 0, 0, 0))).payload).toEqual(words(20, 3, 9, 3, 0));
  for (let index = 0; index < 9; index++) {
    const { payload: info, fds } = await client.request(5, words(32, 0, index, 0, 0, 0, 0, 0));
    expect([info.length, info.readUInt32LE(0), info.readUInt32LE(8), fds]).toEqual([32, 32, index, []]);
  }
  for (let index = 0; index < 3; index++) {
    const { payload: info } = await client.request(7, words(16, 0, index, 0));
    expect(info).toEqual(words(16, index === 0 ? 7 : 0, index, index === 0 ? 1 : 0));
  }
  expect((await client.write(0, 0, words(1))).payload.length).toBe(16);
  expect((await client.request(13, words())).payload.length).toBe(0);
  client.close();
  await end;
});

describe('a server', () => {
  it('serves one client after another, and ends the one that is there when told to', async () => {
    const path = join(temporaryFolder(), 'socket');
    const server = new library.DeviceServer(path);
    onTestFinished(() => server.close());
    class Empty extends library.PciDevice {
      protected override readBar(): void {}
      protected override writeBar(): void {}
      protected override resetBars(): void {}
    }
    const identity = { vendor: 1, device: 2, classCode: 0xff0000, revision: 0, barSizes: [] };
    const device = new Empty({ identity });
    for (let i = 0; i < 3; i++) {
      const end = server.serve(device);
      await expect(server.serve(device)).rejects.toThrow('is being served already');
      const client = new VfioUserClient(path);
      onTestFinished(() => client.close());
      await client.start();
      expect((await client.read(7, 0, 4)).payload.subarray(16)).toEqual(words(0x20001));
      if (i === 1) client.close();
      else server.disconnect();
      expect(await end).toEqual({ reason: 'gone' });
    }
    const end = server.serve(device);
    server.close();
    expect(await end).toEqual({ reason: 'closed' });
    expect(await server.serve(device)).toEqual({ reason: 'closed' });
  });
});
