import { execFileSync } from 'node:child_process';
import { existsSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { VfioUserBridge } from '../../../../src/bpmp/bridge/vfio-user/index.js';
import { addon } from '../../../../src/native/index.js';
import { VfioUserClient, words } from '../../../support/vfio-user-client.js';
import { EchoHandler, serve, temporaryFolder, WINDOW, windowImage } from './served.js';

describe('the socket', () => {
  it('is its owner’s alone, and goes with the bridge', async () => {
    const { path, bridge, end } = await serve();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    bridge.close();
    expect(await end).toEqual({ reason: 'closed' });
    expect(existsSync(path)).toBe(false);
    bridge.close();
  });

  it('takes the place of one that was left over', async () => {
    const path = join(temporaryFolder(), 'socket');
    // A process that dies does not remove it.
    execFileSync('python3', [
      '-c',
      `import socket; socket.socket(socket.AF_UNIX).bind(${JSON.stringify(path)})`,
    ]);
    expect(existsSync(path)).toBe(true);
    const bridge = open(path);
    await bridge.listening;
    bridge.close();
  });

  it('does not take the place of one that is in use', async () => {
    const { path, end, bridge } = await serve();
    await refused(path, `${path} is in use by another process: stop it or choose another path`);
    bridge.close();
    await end;
  });

  it('does not take the place of anything else', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, 'precious');
    await refused(file, `${file} exists and is no socket: remove it or choose another path`);
    const link = join(temporaryFolder(), 'link');
    symlinkSync(file, link);
    await refused(link, `${link} exists and is no socket: remove it or choose another path`);
  });

  it('is refused where the path is too long or the folder is not there', async () => {
    const long = join(temporaryFolder(), 'x'.repeat(100));
    await refused(long, `socket path ${long} is over 107 bytes: use a shorter one`);
    await refused(
      '/nowhere/socket',
      'cannot listen at /nowhere/socket: bind(/nowhere/socket): No such file or directory',
    );
  });

  function open(path: string): VfioUserBridge {
    return new VfioUserBridge({ socketPath: path, layout: 'trapped', handler: new EchoHandler() });
  }

  async function refused(path: string, message: string): Promise<void> {
    const bridge = open(path);
    await expect(bridge.listening).rejects.toMatchObject({ code: 'GPUVM_BRIDGE', message });
    expect(await bridge.serve()).toEqual({ reason: 'fault', message });
  }
});

describe('serving', () => {
  it('ends when the guest goes', async () => {
    const { connect, end, path } = await serve();
    const client = await connect();
    client.close();
    expect(await end).toEqual({ reason: 'guest-gone' });
    expect(existsSync(path)).toBe(false);
  });

  it('ends when the guest goes in the middle of a transfer', async () => {
    const { connect, end, handler } = await serve();
    handler.answer = () => new Promise(() => {});
    const client = await connect();
    client.postedWrite(0, WINDOW + 0x500, words(1, 0));
    await sleep(20);
    expect(handler.seen.length).toBe(1);
    client.close();
    expect(await end).toEqual({ reason: 'guest-gone' });
  });

  it('does not mistake a look at the socket for a guest', async () => {
    const { connect, path, end } = await serve();
    new VfioUserClient(path).close();
    await sleep(10);
    const client = await connect();
    client.close();
    expect(await end).toEqual({ reason: 'guest-gone' });
  });

  it('goes on with the next guest where it is told to, and shows it nothing of the last', async () => {
    const { connect, bridge, end, handler } = await serve({ keepListening: true });
    let ended = end;
    for (let i = 0; i < 3; i++) {
      const client = await connect();
      expect((await client.read(0, WINDOW, 0x600)).payload.subarray(16)).toEqual(Buffer.alloc(0x600));
      await client.write(0, WINDOW, windowImage(Buffer.alloc(16, 0xaa)));
      await client.write(0, WINDOW + 0x500, words(1, 0));
      client.close();
      expect(await ended).toEqual({ reason: 'guest-gone' });
      expect(bridge.stats()).toMatchObject({ connections: 1, transfers: 1 });
      ended = bridge.serve();
    }
    expect(handler.seen.length).toBe(3);
    bridge.close();
    expect(await ended).toEqual({ reason: 'closed' });
  });

  it('has a client wait that comes before the next guest is served, and gives it the next handler', async () => {
    const { connect, bridge, end, handler } = await serve({ keepListening: true });
    (await connect()).close();
    await end;
    const waiting = connect();
    await sleep(20);
    const next = new EchoHandler();
    const ended = bridge.serve(next);
    const client = await waiting;
    await client.write(0, WINDOW + 0x500, words(1, 0));
    expect([handler.seen.length, next.seen.length]).toEqual([0, 1]);
    client.close();
    expect(await ended).toEqual({ reason: 'guest-gone' });
  });

  it('gives the next guest memory of its own', async () => {
    const { connect, bridge, end } = await serve({ layout: 'shared', keepListening: true });
    const page = async () => {
      const client = await connect();
      const { fds } = await client.request(5, words(64, 0, 0, 0, 0, 0, 0, 0));
      return { client, bytes: Buffer.from(addon().mapMemory(fds[0]!, 0x1000)) };
    };
    const first = await page();
    first.client.close();
    await end;
    void bridge.serve();
    const second = await page();
    second.bytes.fill(7);
    expect(first.bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('keeps an outcome that comes after its guest has gone from the next one', async () => {
    const { connect, handler, bridge } = await serve({ keepListening: true });
    let finish: ((outcome: { ret: number; rxSize: number }) => void) | undefined;
    handler.answer = (_mrq, _tx, rx) =>
      new Promise((resolve) => {
        finish = (outcome) => {
          rx.fill(0x55);
          resolve(outcome);
        };
      });
    const first = await connect();
    first.postedWrite(0, WINDOW, windowImage(Buffer.alloc(0)));
    first.postedWrite(0, WINDOW + 0x500, words(1, 0));
    await sleep(20);
    first.close();
    await sleep(10);
    void bridge.serve();
    const second = await connect();
    finish?.({ ret: 1, rxSize: 512 });
    await sleep(10);
    expect((await second.read(0, WINDOW, 0x600)).payload.subarray(16)).toEqual(Buffer.alloc(0x600));
  });

  it('turns a second client away', async () => {
    const { connect, path } = await serve();
    const client = await connect();
    const second = new VfioUserClient(path);
    onTestFinished(() => second.close());
    expect(await second.reply()).toBeUndefined();
    expect((await client.read(0, WINDOW, 8)).errno).toBe(0);
  });

  it('ends at once after it was closed', async () => {
    const { bridge, end } = await serve();
    bridge.close();
    await end;
    expect(await bridge.serve()).toEqual({ reason: 'closed' });
  });
});
