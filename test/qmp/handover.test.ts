import { afterEach, describe, expect, it } from 'vitest';
import { addon } from '../../src/native/index.js';
import { QmpClient, type QmpState } from '../../src/qmp/index.js';
import { connectionOf, descriptorOf } from '../../src/qmp/inlet.js';
import { answer, type Behaviour, fakeServer, type Peer, type Request } from './fake-server.js';

const disposals: (() => PromiseLike<void> | void)[] = [];
afterEach(async () => {
  for (const dispose of disposals.splice(0).reverse()) await dispose();
});

async function connected(behave: Behaviour) {
  let peer: Peer | undefined;
  const server = await fakeServer((request, from) => {
    peer = from;
    if (request.execute === 'hello') answer(request, from);
    else behave(request, from);
  });
  disposals.push(() => server[Symbol.asyncDispose]());
  const client = await QmpClient.connect({ path: server.path, outOfBand: true });
  disposals.push(() => client.close());
  await client.execute('hello');
  return { client, server, peer: peer as Peer };
}

/** As through a file descriptor store: a number, and text. */
const carried = (state: QmpState): unknown => JSON.parse(JSON.stringify(state));
const event = (name: string) => ({ event: name, timestamp: { seconds: 1, microseconds: 0 } });

describe('detach and adopt', () => {
  it('hands the connection over with what is in flight, half a line, and ids that go on', async () => {
    const held: Request[] = [];
    const { client, server, peer } = await connected((request, from) => {
      if (request.execute === 'slow') held.push(request);
      else answer(request, from);
    });
    const lost = [client.execute('slow'), client.execute('slow', { number: 2 })];
    for (const one of lost) one.catch(() => undefined);
    const seen: string[] = [];
    client.on('*', ({ event }) => seen.push(event));
    await expect.poll(() => held.length).toBe(2);
    const [whole, half] = [
      `${JSON.stringify(event('STOP'))}\n`,
      `${JSON.stringify(event('RESUME'))}\n`.slice(0, 20),
    ];
    peer.raw(whole + half);
    await expect.poll(() => seen).toEqual(['STOP']);

    const { fd, state } = await client.detach();
    expect(await client.ended).toMatchObject({
      code: 'GPUVM_QMP_CLOSED',
      message: 'the QMP connection was handed on',
    });
    for (const one of lost) await expect(one).rejects.toMatchObject({ code: 'GPUVM_QMP_CLOSED' });
    expect(state.inFlight.map(({ command }) => command)).toEqual(['slow', 'slow']);
    expect(Buffer.from(state.partial, 'base64').toString()).toBe(half);
    await expect(client.execute('stop')).rejects.toMatchObject({ code: 'GPUVM_QMP_CLOSED' });

    // While nobody reads: the rest of the line, an event, a reply.
    peer.raw(`${JSON.stringify(event('RESUME'))}\n`.slice(20));
    peer.send(event('POWERDOWN'));
    peer.send({ return: { was: 2 }, id: held[1]!.id });

    const next = await QmpClient.adopt({ fd, state: carried(state) });
    disposals.push(() => next.close());
    next.on('*', ({ event }) => seen.push(event));
    expect(next.version).toEqual([7, 2, 22]);
    expect(next.outOfBand).toBe(true);
    expect(await next.inherited[1]!.reply).toEqual({ was: 2 });
    expect(seen).toEqual(['STOP', 'RESUME', 'POWERDOWN']);
    peer.send({ error: { class: 'GenericError', desc: 'no' }, id: held[0]!.id });
    await expect(next.inherited[0]!.reply).rejects.toMatchObject({ code: 'GPUVM_QMP_COMMAND' });
    await next.execute('query-status');
    const [again, more] = [next.execute('query-status'), next.execute('query-name')];
    await Promise.all([again, more]);
    const ids = server.requests.map(({ id }) => id).filter((id) => id !== undefined);
    expect(new Set(ids).size).toBe(ids.length);
    expect(server.open).toBe(1);
  });

  it('can be done again and again, from within an event too', async () => {
    const { client, peer } = await connected(answer);
    let current = client;
    let count = 0;
    for (let round = 0; round < 20; round++) {
      const detached = new Promise<{ fd: number; state: QmpState }>((resolve, reject) => {
        current.on('STOP', () => {
          count++;
          current.detach().then(resolve, reject);
        });
      });
      peer.send(event('STOP'));
      const { fd, state } = await detached;
      current = await QmpClient.adopt({ fd, state: carried(state) });
      expect(await current.execute('query-status')).toEqual({});
    }
    expect(count).toBe(20);
    current.close();
  });

  it('loses none of a stream of events, whenever it happens', async () => {
    const { client, peer } = await connected(answer);
    let current = client;
    const seen: number[] = [];
    const listen = () => current.on('STOP', ({ data }) => seen.push((data as { number?: number }).number!));
    listen();
    const all = 3000;
    let sent = 0;
    const sending = setInterval(() => {
      for (let i = 0; i < 50 && sent < all; i++)
        peer.send({ ...event('STOP'), data: { number: sent++, text: 'x'.repeat(sent % 90) } });
    }, 1);
    disposals.push(() => clearInterval(sending));
    while (seen.length < all) {
      await new Promise((resolve) => setTimeout(resolve, 3));
      const { fd, state } = await current.detach();
      current = await QmpClient.adopt({ fd, state: carried(state) });
      listen();
    }
    expect(seen).toEqual(Array.from({ length: all }, (_, number) => number));
    current.close();
  });

  it('goes on where the other side does not take what was written', async () => {
    const { client, peer } = await connected(answer);
    peer.socket.pause();
    const large = client.execute('qom-set', { path: '/', property: 'x', value: 'y'.repeat(4_000_000) });
    await expect(client.detach({ deadlineMs: 30 })).rejects.toMatchObject({ code: 'GPUVM_QMP_TIMEOUT' });
    peer.socket.resume();
    expect(await large).toEqual({});
    client.close();
  });

  it('refuses a state that is none, and leaves the descriptor alone', async () => {
    const [ours, theirs] = addon().socketPair();
    for (const state of [null, 'x', {}, { version: 2 }, { version: 1, nextId: -1 }]) {
      await expect(QmpClient.adopt({ fd: ours, state })).rejects.toMatchObject({ code: 'GPUVM_USAGE' });
    }
    expect(addon().unixSend(ours, Uint8Array.of(1), 0, 1)).toBe(1);
    addon().closeFd(ours);
    addon().closeFd(theirs);
  });
});

describe('adopt without a state', () => {
  /** The fake's lines are JSON each, so what makes QEMU start anew is taken off. */
  const quiet: Behaviour = (request, peer) => {
    if (request.execute === 'query-version')
      peer.send({
        return: { qemu: { major: 11, minor: 1, micro: 3 }, package: '' },
        id: request.id,
      });
    else answer(request, peer);
  };

  it('drops what belonged to the owner before, up to the reply to its first command', async () => {
    const [ours, theirs] = addon().socketPair();
    const { socket, inlet } = connectionOf(theirs);
    disposals.push(() => void socket.destroy());
    const adopting = QmpClient.adopt({ fd: ours, outOfBand: true });
    const seen: string[] = [];
    let text = '';
    const say = (message: object) => socket.write(`${JSON.stringify(message)}\n`);
    inlet.take = (chunk) => {
      text += Buffer.from(chunk).toString('latin1');
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        seen.push(line);
        if (line.startsWith('\xff')) {
          socket.write('he end of a line"}}\n');
          say({ return: { status: 'running' } });
          say(event('SHUTDOWN'));
          say({ error: { class: 'GenericError', desc: 'of another' }, id: 3 });
          say({ error: { class: 'GenericError', desc: 'JSON parse error' } });
        }
        quiet(JSON.parse(line.replace('\xff', '')), {
          socket,
          raw: (raw) => socket.write(raw),
          send: (message) => say(message as object),
        });
      }
    };
    const client = await adopting;
    const shutdown = client.waitFor('SHUTDOWN', undefined, { deadlineMs: 2_000 });
    expect(client.version).toEqual([11, 1, 3]);
    expect((await shutdown).event).toBe('SHUTDOWN');
    expect(client.outOfBand).toBe(true);
    expect(await client.execute('query-status')).toEqual({});
    expect(seen[0]).toMatch(/^\xff\{"execute":"query-version","id":\d{13}\}$/);
    client.close();
  });

  it('gives up at the deadline where nobody answers, and closes the socket', async () => {
    const [ours, theirs] = addon().socketPair();
    disposals.push(() => addon().closeFd(theirs));
    await expect(QmpClient.adopt({ fd: ours, deadlines: { greetingMs: 40 } })).rejects.toMatchObject({
      code: 'GPUVM_QMP_TIMEOUT',
    });
    const control = new AbortController();
    control.abort(new Error('not now'));
    await expect(QmpClient.adopt({ fd: theirs, signal: control.signal })).rejects.toThrow('not now');
  });
});

it('finds the descriptor below a socket, and none below a closed one', () => {
  const [ours, theirs] = addon().socketPair();
  const { socket } = connectionOf(ours);
  expect(descriptorOf(socket)).toBe(ours);
  socket.destroy();
  expect(descriptorOf(socket)).toBe(-1);
  addon().closeFd(theirs);
});
