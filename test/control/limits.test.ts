import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ControlClient, type ControlServer } from '../../src/control/index.js';
import { FakeVm } from './fake-vm.js';
import { connected, exchange, until } from './raw.js';
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

describe('the control socket', () => {
  it('has so many connections and no more, and is well again after a flood', async () => {
    const idle = await Promise.all(Array.from({ length: 64 }, () => connected(server.path)));
    await expect(client.status()).rejects.toMatchObject({
      code: 'GPUVM_CONTROL_REQUEST',
      message: 'there are 64 connections already',
    });
    for (const socket of idle) socket.destroy();
    for (let i = 0; ; i++) {
      const status = await client.status().catch(() => undefined);
      if (status) break;
      expect(i).toBeLessThan(100);
    }
    const many = await Promise.allSettled(Array.from({ length: 500 }, () => client.status()));
    expect(many.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(60);
    expect(await client.status()).toMatchObject({ name: 'orin' });
  });

  it('keeps room for commands beside those who follow', async () => {
    const followers = [];
    for (let i = 0; i < 48; i++) followers.push(await client.console());
    await expect(client.console()).rejects.toMatchObject({ message: '48 others follow this VM already' });
    await expect(client.readConsole({ follow: true })).rejects.toMatchObject({
      message: '48 others follow this VM already',
    });
    expect(await client.status()).toMatchObject({ name: 'orin' });
    expect(await (await client.readConsole()).toArray()).toEqual([]);
    for (const follower of followers) follower.destroy();
    await until(() => vm.watchers === 0, 'all are forgotten');
    (await client.console()).destroy();
  });

  it('answers a request whose body is cut off with nothing, and does nothing', async () => {
    const head =
      'POST /v1/stop HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n';
    await exchange(server.path, `${head}{"now":`, { end: true }).catch(() => {});
    const socket = await connected(server.path);
    socket.write(`${head}{"now":true}`);
    socket.destroy();
    await client.status();
    expect(vm.calls).toEqual([]);
  });

  it('answers requests that come at once in their order', async () => {
    const one = (path: string, close = '') => `GET ${path} HTTP/1.1\r\nhost: x\r\n${close}\r\n`;
    const bytes = one('/v1/status') + one('/nowhere') + one('/v1', 'connection: close\r\n');
    const { status, text } = await exchange(server.path, bytes);
    expect(status).toBe(200);
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 404', 'HTTP/1.1 200']);
    expect(text).toContain('"supervisorPid"');
  });

  it('survives clients that go in the middle of an answer', async () => {
    vm.status = async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return new FakeVm().status();
    };
    for (let i = 0; i < 30; i++) {
      const socket = await connected(server.path);
      socket.on('error', () => {});
      socket.write('GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n');
      setTimeout(() => socket.destroy(), i);
    }
    expect(await client.status()).toMatchObject({ name: 'orin' });
  });
});

describe('the end', () => {
  it('answers those who wait for it, with the last status', async () => {
    const waiting = Promise.all([client.stop({ wait: true }), client.stop({ wait: true, now: true })]);
    await until(() => vm.calls.length >= 2, 'both are asked');
    vm.status = () =>
      ({ ...(new FakeVm().status() as object), state: 'ended', ending: 'guest-shutdown' }) as never;
    const start = performance.now();
    await server.close();
    expect(performance.now() - start).toBeLessThan(500);
    expect(await waiting).toMatchObject([{ ending: 'guest-shutdown' }, { ending: 'guest-shutdown' }]);
  });

  it('does not wait for those who do not read', async () => {
    for (const path of ['/v1/events?follow', '/v1/console']) {
      const socket = await connected(server.path);
      socket.pause();
      socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
    }
    await until(() => vm.watchers === 2, 'both follow');
    for (let i = 0; i < 1_000; i++) vm.say('x'.repeat(1_000));
    const start = performance.now();
    await server.close();
    expect(performance.now() - start).toBeLessThan(2_000);
    expect(vm.watchers).toBe(0);
  });

  it('of a supervisor that is lost is an error for those who wait', async () => {
    const lost = new ControlClient({ path: server.path });
    const waiting = lost.stop({ wait: true });
    waiting.catch(() => {});
    await until(() => vm.calls.length === 1, 'it is asked');
    vm.status = () => new Promise(() => {});
    await server.close();
    await expect(waiting).rejects.toMatchObject({
      code: 'GPUVM_CONTROL',
      message: 'the connection to orin was lost: its supervisor ended',
    });
  });
});
