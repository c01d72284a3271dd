import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { GpuvmError } from '../../src/errors.js';
import { isRefusal, QmpClient } from '../../src/qmp/index.js';
import { answer, type Behaviour, fakeServer, type Peer, type Request } from './fake-server.js';

const disposals: (() => PromiseLike<void>)[] = [];
afterEach(async () => {
  for (const dispose of disposals.splice(0)) await dispose();
});

async function connected(behave?: Behaviour, options: { maxLineBytes?: number; outOfBand?: boolean } = {}) {
  const server = await fakeServer(behave);
  disposals.push(() => server[Symbol.asyncDispose]());
  const client = await QmpClient.connect({ path: server.path, deadlineMs: 2000, ...options });
  disposals.push(async () => client.close());
  return { client, server };
}

const stop = { event: 'STOP', timestamp: { seconds: 1, microseconds: 0 } };

describe('connect', () => {
  it('reads the greeting and takes capabilities', async () => {
    const { client, server } = await connected();
    expect(client.version).toEqual([7, 2, 22]);
    expect(client.outOfBand).toBe(false);
    expect(server.requests[0]).toMatchObject({ execute: 'qmp_capabilities' });
    expect(server.requests[0]).not.toHaveProperty('arguments');
  });

  it('asks for out-of-band commands where it is told to', async () => {
    const { client, server } = await connected(undefined, { outOfBand: true });
    expect(client.outOfBand).toBe(true);
    expect(server.requests[0]?.arguments).toEqual({ enable: ['oob'] });
    await client.execute('query-status', {}, { outOfBand: true });
    expect(server.requests[1]?.['exec-oob']).toBe('query-status');
  });

  it('gives up at its deadline where nobody listens', async () => {
    const connecting = QmpClient.connect({ path: '/tmp/gpuvm-nobody', deadlineMs: 60 });
    await expect(connecting).rejects.toMatchObject({
      code: 'GPUVM_QMP_TIMEOUT',
      message: 'the QMP socket /tmp/gpuvm-nobody: nobody listened within 60 ms',
    });
  });

  it('gives up at its deadline where a server does not greet', async () => {
    const server = await fakeServer(answer, { greet: false });
    disposals.push(() => server[Symbol.asyncDispose]());
    await expect(QmpClient.connect({ path: server.path, deadlineMs: 60 })).rejects.toMatchObject({
      code: 'GPUVM_QMP_TIMEOUT',
      message: expect.stringContaining('the QMP greeting was not completed'),
    });
  });

  it('stops with the reason of its signal', async () => {
    const reason = new Error('QEMU exited');
    const connecting = QmpClient.connect({ path: '/tmp/gpuvm-nobody', signal: AbortSignal.abort(reason) });
    await expect(connecting).rejects.toBe(reason);
  });

  it('says what the system says where trying again cannot help', async () => {
    await expect(QmpClient.connect({ path: '/etc/passwd/qmp' })).rejects.toMatchObject({
      code: 'GPUVM_QMP_CLOSED',
      message: expect.stringContaining('ENOTDIR'),
    });
    await expect(QmpClient.connect({ path: `/tmp/${'x'.repeat(103)}` })).rejects.toMatchObject({
      code: 'GPUVM_USAGE',
    });
  });
});

describe('execute', () => {
  it('matches replies that come out of order', async () => {
    const held: Request[] = [];
    const { client } = await connected((request, peer) => {
      if (held.push(request) < 3) return;
      for (const { id, execute } of held.reverse()) peer.send({ return: { was: execute }, id });
    });
    const names = ['a', 'b', 'c'];
    const replies = await Promise.all(names.map((name) => client.execute(name)));
    expect(replies).toEqual(names.map((was) => ({ was })));
  });

  it("rejects with QEMU's class and description, the request and the reply", async () => {
    const reply = { class: 'DeviceNotFound', desc: "Device 'd' not found" };
    const { client } = await connected((request, peer) => peer.send({ error: reply, id: request.id }));
    await expect(client.execute('device_del', { id: 'd' })).rejects.toMatchObject({
      code: 'GPUVM_QMP_COMMAND',
      message: "QEMU refused device_del: Device 'd' not found",
      details: {
        class: 'DeviceNotFound',
        reply,
        request: { command: 'device_del', arguments: { id: 'd' } },
      },
    });
  });

  it('gives up at its deadline, and takes the late reply for what it is', async () => {
    let late: (() => void) | undefined;
    const { client } = await connected((request, peer) => {
      if (request.execute === 'slow') late = () => answer(request, peer);
      else answer(request, peer);
    });
    await expect(client.execute('slow', {}, { deadlineMs: 30 })).rejects.toMatchObject({
      code: 'GPUVM_QMP_TIMEOUT',
      message: 'QEMU did not answer slow within 30 ms',
    });
    late?.();
    await expect(client.execute('query-status')).resolves.toEqual({});
  });

  it('stops waiting when its signal says so', async () => {
    const { client } = await connected(() => undefined);
    const control = new AbortController();
    const running = client.execute('stop', {}, { signal: control.signal });
    control.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
  });

  it('rejects everything that waits, with the reason, when the connection is lost', async () => {
    const { client } = await connected((request, peer) => {
      if (request.execute === 'die') peer.socket.destroy();
    });
    const waiting = [client.execute('stop'), client.waitFor('STOP'), client.execute('die')];
    for (const wait of await Promise.allSettled(waiting)) {
      expect(wait).toMatchObject({
        status: 'rejected',
        reason: {
          code: 'GPUVM_QMP_CLOSED',
          message: expect.stringContaining('QEMU closed the QMP connection'),
        },
      });
    }
    await expect(client.execute('stop')).rejects.toMatchObject({ code: 'GPUVM_QMP_CLOSED' });
    expect(await client.ended).toMatchObject({ code: 'GPUVM_QMP_CLOSED' });
  });

  it.each([
    ['garbage', 'hello\n'],
    ['a reply that nobody asked for', '{"return":{},"id":"other"}\n'],
    ['a reply with the id that stands for none', '{"return":{},"id":0}\n'],
    [
      'an error that belongs to no command',
      '{"error":{"class":"GenericError","desc":"JSON parse error"},"id":77}\n',
    ],
    [
      'a second greeting',
      `${JSON.stringify({ QMP: { version: { qemu: { major: 1, minor: 1, micro: 1 } } } })}\n`,
    ],
    ['a line without an end', 'x'.repeat(5000)],
    ['bytes that are no UTF-8', Uint8Array.of(0x22, 0xff, 0x22, 0x0a)],
  ])('ends as a protocol error on %s', async (_what, bytes) => {
    const { client } = await connected((_request, peer) => peer.raw(bytes), { maxLineBytes: 4096 });
    await expect(client.execute('stop')).rejects.toMatchObject({ code: 'GPUVM_QMP_PROTOCOL' });
  });

  it('survives any bytes that a peer can send', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.uint8Array({ maxLength: 400 }), fc.json().map(Buffer.from)),
        async (bytes) => {
          const { client } = await connected((_request, peer) => {
            peer.raw(bytes);
            peer.socket.end('\n');
          });
          const error = await client.execute('stop').catch((reason: unknown) => reason);
          expect(GpuvmError.is(error)).toBe(true);
          client.close();
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('events', () => {
  async function withPeer() {
    let peer: Peer | undefined;
    const { client } = await connected((request, from) => {
      peer = from;
      answer(request, from);
    });
    await client.execute('hello');
    return { client, peer: peer as Peer };
  }

  it('waits for the event that matches, from the call on', async () => {
    const { client, peer } = await withPeer();
    const waiting = client.waitFor('SHUTDOWN', ({ reason }) => reason === 'guest-shutdown');
    peer.send({ event: 'SHUTDOWN', data: { guest: false, reason: 'host-signal' } });
    peer.send({ event: 'SHUTDOWN', data: { guest: true, reason: 'guest-shutdown' } });
    expect((await waiting).data).toEqual({ guest: true, reason: 'guest-shutdown' });
  });

  it('gives up a wait at its deadline', async () => {
    const { client } = await withPeer();
    await expect(client.waitFor('STOP', () => true, { deadlineMs: 20 })).rejects.toMatchObject({
      code: 'GPUVM_QMP_TIMEOUT',
      message: 'QEMU sent no STOP event within 20 ms',
    });
  });

  it('calls back for one name, for all, and no more once stopped', async () => {
    const { client, peer } = await withPeer();
    const seen: string[] = [];
    const off = client.on('STOP', () => seen.push('stop'));
    client.on('*', ({ event }) => seen.push(`* ${event}`));
    peer.send(stop);
    await client.execute('sync');
    off();
    peer.send(stop);
    await client.execute('sync');
    expect(seen).toEqual(['stop', '* STOP', '* STOP']);
  });

  it('iterates over events that came before the first step, and ends with the connection', async () => {
    const { client, peer } = await withPeer();
    const events = client.events();
    peer.send(stop);
    peer.send({ ...stop, event: 'RESUME' });
    await client.execute('sync');
    client.close();
    const names: string[] = [];
    for await (const { event } of events) names.push(event);
    expect(names).toEqual(['STOP', 'RESUME']);
  });

  it('throws a fault of the connection from the iterator', async () => {
    const { client, peer } = await withPeer();
    const events = client.events('STOP');
    peer.send(stop);
    peer.raw('?\n');
    expect((await events.next()).value).toMatchObject({ event: 'STOP' });
    await expect(events.next()).rejects.toMatchObject({ code: 'GPUVM_QMP_PROTOCOL' });
  });

  it('drops the oldest for a reader that lags, and counts them', async () => {
    const { client, peer } = await withPeer();
    const events = client.events();
    peer.raw(`${JSON.stringify(stop)}\n`.repeat(10_005));
    await client.execute('sync');
    expect(events.dropped).toBe(5);
    await events.return();
  });

  it('stops an iterator by its signal, with the reason, after what it holds', async () => {
    const { client, peer } = await withPeer();
    const control = new AbortController();
    const events = client.events('STOP', { signal: control.signal });
    peer.send(stop);
    await client.execute('sync');
    control.abort(new Error('enough'));
    expect((await events.next()).value?.event).toBe('STOP');
    await expect(events.next()).rejects.toThrow('enough');
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  it('rejects a wait whose test throws, and no other', async () => {
    const { client, peer } = await withPeer();
    const other = client.waitFor('STOP');
    const wait = client.waitFor('STOP', () => {
      throw new Error('no such field');
    });
    peer.send(stop);
    await expect(wait).rejects.toThrow('no such field');
    expect((await other).event).toBe('STOP');
  });
});

describe('isRefusal', () => {
  it('tells what QEMU refused, and its class, from all else', async () => {
    const { client } = await connected(({ id }, peer) =>
      peer.send({ error: { class: 'DeviceNotFound', desc: 'no' }, id }),
    );
    const error = await client.execute('device_del', { id: 'd' }).catch((reason: unknown) => reason);
    expect(isRefusal(error)).toBe(true);
    expect(isRefusal(error, 'DeviceNotFound')).toBe(true);
    expect(isRefusal(error, 'GenericError')).toBe(false);
    expect(isRefusal(new Error('no'))).toBe(false);
  });
});
