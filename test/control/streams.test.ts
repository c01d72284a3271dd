import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ControlClient, type ControlServer } from '../../src/control/index.js';
import { FakeVm } from './fake-vm.js';
import { ask, collect, connected, until } from './raw.js';
import { Sandbox } from './sandbox.js';

let sandbox: Sandbox;
let vm: FakeVm;
let server: ControlServer;
let client: ControlClient;

beforeEach(async () => {
  sandbox = new Sandbox();
  vm = new FakeVm();
  server = await sandbox.serve(vm);
  client = new ControlClient({ path: server.path });
});
afterEach(() => sandbox.clear());

/** A connection that has asked and never reads. */
async function silent(line: string, headers = ''): Promise<Socket> {
  const socket = await connected(server.path);
  socket.pause();
  socket.write(`GET ${line} HTTP/1.1\r\nhost: x\r\n${headers}\r\n`);
  return socket;
}

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('events', () => {
  it('are the recent ones, as NDJSON', async () => {
    vm.happen('state', { state: 'running', at: 0x6000_0000n });
    vm.happen('rung', { rung: 'quit' });
    const { headers, text } = await ask(server.path, 'GET /v1/events');
    expect(headers['content-type']).toBe('application/x-ndjson');
    expect(text.replaceAll(/[0-9a-f]+\r\n|\r\n/g, '').split('\n').length).toBe(3);
    const events = await collect(client.events());
    expect(events).toMatchObject([{ event: 'state', state: 'running', at: '1610612736' }, { event: 'rung' }]);
  });

  it('begin where it is said', async () => {
    vm.happen('a', {}, '2026-01-31T12:00:00.000Z');
    vm.happen('b', {}, '2026-01-31T12:00:01.000Z');
    vm.happen('c', {}, '2026-01-31T12:00:02.000Z');
    const names = async (options: Parameters<ControlClient['events']>[0]) =>
      (await collect(client.events(options))).map(({ event }) => event);
    expect(await names({})).toEqual(['a', 'b', 'c']);
    expect(await names({ recent: 2 })).toEqual(['b', 'c']);
    expect(await names({ recent: 0 })).toEqual([]);
    expect(await names({ recent: 9 })).toEqual(['a', 'b', 'c']);
    expect(await names({ since: new Date('2026-01-31T12:00:00Z') })).toEqual(['b', 'c']);
    expect(await names({ since: new Date('2026-01-31T12:00:00Z'), recent: 1 })).toEqual(['c']);
  });

  it('go on with what comes, none lost or twice, until the VM has ended', async () => {
    vm.happen('before');
    const seen: string[] = [];
    const following = (async () => {
      for await (const { event } of client.events({ follow: true })) seen.push(event);
    })();
    await until(() => vm.watchers === 1, 'somebody follows');
    for (let i = 0; i < 500; i++) vm.happen(`event ${i}`);
    vm.happen('end');
    await server.close();
    await following;
    expect(seen).toEqual(['before', ...Array.from({ length: 500 }, (_, i) => `event ${i}`), 'end']);
    expect(vm.watchers).toBe(0);
  });

  it('are dropped for who does not read, counted, and told where they are missing', async () => {
    const socket = await silent('/v1/events?follow');
    await until(() => vm.watchers === 1, 'somebody follows');
    const big = 'x'.repeat(10_000);
    for (let i = 0; i < 1_000; i++) vm.happen('flood', { i, big });
    const kept = server.waitingBytes;
    expect(kept).toBeGreaterThan(500_000);
    expect(kept).toBeLessThan(2 * 1024 * 1024);
    for (let i = 1_000; i < 3_000; i++) vm.happen('flood', { i, big });
    expect(server.waitingBytes).toBe(kept);

    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.resume();
    await until(() => text.includes('"dropped"'), 'the gap is told');
    vm.happen('after', { i: 3_000 });
    await until(() => text.includes('"after"'), 'what comes after it is there');
    socket.destroy();
    const lines = text.split('\n').filter((line) => line.startsWith('{'));
    const events = lines.map((line) => JSON.parse(line) as { event: string; i?: number; events?: number });
    const gap = events.findIndex(({ event }) => event === 'dropped');
    expect(events[gap]!.events! + events.length - 2).toBe(3_000);
    expect(events.slice(0, gap).map(({ i }) => i)).toEqual(Array.from({ length: gap }, (_, i) => i));
    expect(events.slice(gap + 1)).toMatchObject([{ event: 'after' }]);
  });

  it('a reader who goes is forgotten', async () => {
    const sockets = await Promise.all(Array.from({ length: 20 }, () => silent('/v1/events?follow')));
    await until(() => vm.watchers === 20, 'all follow');
    for (const socket of sockets) socket.destroy();
    await until(() => vm.watchers === 0, 'all are forgotten');
    vm.happen('nobody sees it');
  });
});

describe('logs', () => {
  it('are lines, the recent ones and those that come', async () => {
    vm.log('qemu: one');
    vm.log('qemu: zwei ü');
    expect(await collect(client.logs())).toEqual(['qemu: one', 'qemu: zwei ü']);
    expect(await collect(client.logs({ recent: 1 }))).toEqual(['qemu: zwei ü']);
    const following = collect(client.logs({ follow: true, recent: 0 }));
    await until(() => vm.watchers === 1, 'somebody follows');
    vm.log('three');
    await server.close();
    expect(await following).toEqual(['three']);
  });
});

describe('the console', () => {
  it('is what was said, and what is said, byte for byte', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    vm.say(bytes);
    const stream = await client.readConsole({ follow: true });
    await until(() => vm.watchers === 1, 'somebody follows');
    vm.say('login: ');
    const reading = stream.toArray();
    await server.close();
    expect(Buffer.concat(await reading)).toEqual(Buffer.concat([bytes, Buffer.from('login: ')]));
  });

  it('can be read without what comes, and from its end', async () => {
    vm.say('abcdef');
    expect(Buffer.concat(await (await client.readConsole()).toArray()).toString()).toBe('abcdef');
    expect(Buffer.concat(await (await client.readConsole({ recent: 2 })).toArray()).toString()).toBe('ef');
    expect(Buffer.concat(await (await client.readConsole({ recent: 0 })).toArray()).toString()).toBe('');
  });

  it('is typed into by a POST', async () => {
    await client.type(Buffer.from('ls\n'));
    expect(Buffer.concat(vm.typed).toString()).toBe('ls\n');
  });

  it('goes both ways', async () => {
    vm.say('login: ');
    const console = await client.console();
    let said = '';
    console.on('data', (chunk) => {
      said += chunk;
    });
    console.write('root\n');
    await until(() => Buffer.concat(vm.typed).toString() === 'root\n', 'it is typed');
    vm.say('# ');
    await until(() => said === 'login: # ', 'the answer is there');
    console.write(Uint8Array.of(3, 29, 255, 0));
    await until(() => Buffer.concat(vm.typed).length === 9, 'any byte is typed');
    expect([...Buffer.concat(vm.typed).subarray(5)]).toEqual([3, 29, 255, 0]);
    console.destroy();
    await until(() => vm.watchers === 0, 'it is forgotten');
  });

  it('may be typed into before it has answered', async () => {
    const socket = await connected(server.path);
    socket.write(
      'GET /v1/console HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: gpuvm-console\r\n\r\nearly',
    );
    await until(() => Buffer.concat(vm.typed).toString() === 'early', 'it is typed');
    socket.destroy();
  });

  it('ends for who closes his side, with what was said until then', async () => {
    vm.say('hello');
    const console = await client.console();
    console.end('poweroff\n');
    const reading = console.toArray();
    await until(() => vm.watchers === 0, 'it is forgotten');
    expect(Buffer.concat(await reading).toString()).toBe('hello');
    expect(Buffer.concat(vm.typed).toString()).toBe('poweroff\n');
  });

  it('gives its last words when the VM ends', async () => {
    const console = await client.console();
    vm.say('bye');
    const reading = console.toArray();
    await server.close();
    expect(Buffer.concat(await reading).toString()).toBe('bye');
  });

  it('tells a slow reader how much is missing, and keeps no more than it should', async () => {
    const socket = await silent('/v1/console', 'connection: upgrade\r\nupgrade: gpuvm-console\r\n');
    await until(() => vm.watchers === 1, 'somebody follows');
    const line = Buffer.from(`${'y'.repeat(1022)}\r\n`);
    for (let i = 0; i < 20_000; i++) vm.say(line);
    expect(server.waitingBytes).toBeLessThan(1024 * 1024);
    void server.close();
    const text = (await readAll(socket)).toString();
    const missing = Number(/\[gpuvm: (\d+) bytes of the console are missing/.exec(text)![1]);
    const body = text.slice(text.indexOf('\r\n\r\n') + 4).replace(/\r\n\[gpuvm: .*\]\r\n/, '');
    expect(body.length + missing).toBe(20_000 * 1024);
  });

  it('reads no faster than the guest takes it', async () => {
    let take = () => {};
    vm.typing = () =>
      new Promise((resolve) => {
        take = resolve;
      });
    const console = await client.console();
    // Far more than sockets hold.
    for (let i = 0; i < 1_000; i++) console.write(Buffer.alloc(64 * 1024, 'z'));
    await until(() => vm.typed.length === 1, 'the first piece is there');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(vm.typed.length).toBe(1);
    expect(server.waitingBytes).toBeLessThan(1024 * 1024);
    take();
    await until(() => vm.typed.length === 2, 'so is the second');
    console.destroy();
    take();
  });

  it('notices that a client goes though the guest takes nothing', async () => {
    vm.typing = () => new Promise(() => {});
    const console = await client.console();
    console.write('anybody?');
    await until(() => vm.typed.length === 1, 'it is typed');
    console.destroy();
    await until(() => vm.watchers === 0, 'it is forgotten');
  });

  it('survives a guest that can no longer be typed to', async () => {
    vm.typing = () => Promise.reject(new Error('QEMU is gone'));
    const console = await client.console();
    const closed = new Promise((resolve) => console.once('close', resolve));
    console.on('error', () => {});
    console.resume();
    console.write('x');
    await closed;
    await expect(client.type(Buffer.from('x'))).rejects.toMatchObject({ message: 'QEMU is gone' });
    expect(await client.status()).toMatchObject({ name: 'orin' });
  });
});
