import { afterEach, beforeEach, expect, it } from 'vitest';
import { ControlClient, type ControlServer } from '../../src/control/index.js';
import { FakeVm } from './fake-vm.js';
import { connected } from './raw.js';
import { Sandbox } from './sandbox.js';

let sandbox: Sandbox;
let server: ControlServer;

beforeEach(async () => {
  sandbox = new Sandbox();
  server = await sandbox.serve(new FakeVm());
});
afterEach(() => sandbox.clear());

/** What a client is told that begins like this and then sends `more` every fifth of a second. */
async function giveUp(begin: string, more = ''): Promise<string> {
  const socket = await connected(server.path);
  const dripping = more === '' ? undefined : setInterval(() => socket.write(more), 200);
  socket.on('error', () => {});
  socket.write(begin);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  await new Promise((resolve) => socket.once('close', resolve));
  clearInterval(dripping);
  return text;
}

it('gives up on clients that never come to a request, and serves the others', async () => {
  const start = performance.now();
  const head = 'GET /v1/status HTTP/1.1\r\n';
  const givenUp = Promise.all([giveUp(''), giveUp(`${head}hos`), giveUp(head, 'x: y\r\n')]);
  expect(await new ControlClient({ path: server.path }).status()).toMatchObject({ name: 'orin' });
  for (const text of await givenUp) {
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
    expect(text).toContain('GPUVM_CONTROL_REQUEST');
  }
  expect(performance.now() - start).toBeLessThan(6_000);
});
