import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { GpuvmError } from '../../src/errors.js';
import { QmpClient } from '../../src/qmp/index.js';
import { parseMessage } from '../../src/qmp/message.js';
import { answer, type Behaviour, fakeServer, GREETING, type Peer } from './fake-server.js';

const disposals: (() => PromiseLike<void> | void)[] = [];
afterEach(async () => {
  for (const dispose of disposals.splice(0).reverse()) await dispose();
});

async function connected(behave?: Behaviour, options: { maxLineBytes?: number } = {}) {
  const server = await fakeServer(behave);
  disposals.push(() => server[Symbol.asyncDispose]());
  const client = await QmpClient.connect({ path: server.path, ...options });
  disposals.push(() => client.close());
  return client;
}

/** A peer that is there before a command is sent. */
async function withPeer() {
  let peer: Peer | undefined;
  const client = await connected((request, from) => {
    peer = from;
    answer(request, from);
  });
  await client.execute('hello');
  return { client, peer: peer as Peer };
}

const event = (number: number, text = '') =>
  `${JSON.stringify({ event: 'STOP', data: { number, text }, timestamp: { seconds: 1, microseconds: 0 } })}\n`;

describe('a server that greets badly', () => {
  it.each([
    ['no QMP', '{"hello":"world"}\n', 'GPUVM_QMP_PROTOCOL'],
    ['a greeting without a version', '{"QMP":{"capabilities":[]}}\n', 'GPUVM_QMP_PROTOCOL'],
    ['SSH', 'SSH-2.0-OpenSSH_9.2p1\r\n', 'GPUVM_QMP_PROTOCOL'],
    ['a page', '<!DOCTYPE html>\n<html>\n', 'GPUVM_QMP_PROTOCOL'],
    ['a reply before anything was asked', '{"return":{}}\n', 'GPUVM_QMP_PROTOCOL'],
    ['half a greeting', JSON.stringify(GREETING).slice(0, 40), 'GPUVM_QMP_TIMEOUT'],
    ['blank lines', '\r\n\r\n\n', 'GPUVM_QMP_TIMEOUT'],
    ['nothing', '', 'GPUVM_QMP_TIMEOUT'],
  ])('with %s', async (_what, bytes, code) => {
    const server = await fakeServer(answer, { greet: false, first: bytes });
    disposals.push(() => server[Symbol.asyncDispose]());
    const connecting = QmpClient.connect({ path: server.path, deadlines: { greetingMs: 80 } });
    await expect(connecting).rejects.toMatchObject({ code });
    // Nothing is left behind: the server sees its peer go.
    await expect.poll(() => server.open).toBe(0);
  });

  it('takes events that come before the greeting, as QEMU may send them', async () => {
    const greeting = `${JSON.stringify(GREETING)}\n`;
    const server = await fakeServer(answer, { greet: false, first: event(1) + greeting });
    disposals.push(() => server[Symbol.asyncDispose]());
    const client = await QmpClient.connect({ path: server.path });
    expect(client.version).toEqual([7, 2, 22]);
    client.close();
  });
});

describe('a server that answers badly', () => {
  const bomb = (open: string, close: string, depth: number) =>
    `{"return":${open.repeat(depth)}${close.repeat(depth)}}\n`;

  it.each([
    ['garbage', '\u0000\u0001\u0002\n'],
    ['half a line, and then another one', '{"return":{"a\n{"return":{}}\n'],
    ['invalid UTF-8', Uint8Array.of(...Buffer.from('{"return":"'), 0xc3, 0x28, ...Buffer.from('"}\n'))],
    [
      'a surrogate in UTF-8',
      Uint8Array.of(...Buffer.from('{"return":"'), 0xed, 0xa0, 0x80, 0x22, 0x7d, 0x0a),
    ],
    ['arrays within arrays', bomb('[', ']', 100_000)],
    ['objects within objects', bomb('{"a":', '}', 5_000).replace('}}', '1}}')],
    ['brackets that never close', `${'['.repeat(1_000_000)}\n`],
    ['a reply with an id of nobody', '{"return":{},"id":12345}\n'],
    ['a reply with an id that is no number', '{"return":{},"id":{"a":[1]}}\n'],
    ['a reply twice', '{"return":{}}\n{"return":{}}\n'],
    ['an error that is none', '{"error":"no"}\n'],
    ['an event without a name', '{"event":null}\n'],
  ])('with %s', async (_what, bytes) => {
    const client = await connected((_request, peer) => peer.raw(bytes));
    const settled = await client.execute('stop').catch((error: unknown) => error);
    if (GpuvmError.is(settled)) expect(settled.code).toBe('GPUVM_QMP_PROTOCOL');
    expect(await client.ended).toMatchObject({ code: 'GPUVM_QMP_PROTOCOL' });
    expect(GpuvmError.is(await client.ended) && (await client.ended).message.length).toBeLessThan(300);
  });

  it('keeps to text that only looks like a bomb', async () => {
    const value = { text: `"\\${'['.repeat(5000)}`, list: Array.from({ length: 3000 }, () => [{}]) };
    const client = await connected((request, peer) => peer.send({ return: value, id: request.id }));
    expect(await client.execute('query-status')).toEqual(value);
  });

  it('and goes in the middle of a line', async () => {
    const client = await connected((_request, peer) => peer.socket.end('{"return":{"status":"run'));
    await expect(client.execute('query-status')).rejects.toMatchObject({ code: 'GPUVM_QMP_CLOSED' });
  });

  it('with a million lines that are none, and costs one', async () => {
    let wrote = 0;
    const client = await connected((_request, peer) => {
      const block = Buffer.from('{"return": nonsense}\n'.repeat(10_000));
      for (let i = 0; i < 100; i++) {
        peer.socket.write(block);
        wrote += 10_000;
      }
    });
    const start = performance.now();
    await expect(client.execute('stop')).rejects.toMatchObject({ code: 'GPUVM_QMP_PROTOCOL' });
    expect(performance.now() - start).toBeLessThan(2_000);
    expect(wrote).toBe(1_000_000);
  });

  it('refuses ten thousand malformed lines, one by one, in a moment', () => {
    const start = performance.now();
    let refused = 0;
    const kinds = [
      '',
      '{',
      '[]',
      'null',
      '{"return"',
      '{"event":7}',
      '\u0000',
      '{"error":{}}',
      'x'.repeat(300),
    ];
    for (let i = 0; i < 10_000; i++) {
      try {
        parseMessage(kinds[i % kinds.length]!);
      } catch {
        refused++;
      }
    }
    expect(refused).toBe(10_000);
    expect(performance.now() - start).toBeLessThan(4_000);
  });
});

describe('a line of 100 MB', () => {
  /** In a process of its own, so that only the client's memory is measured here. */
  async function flooder(text: string) {
    const folder = mkdtempSync(join(tmpdir(), 'gpuvm-flood-'));
    const path = join(folder, 'qmp');
    const script = `
      const server = require('node:net').createServer((socket) => {
        socket.on('error', () => process.exit(0));
        socket.write(${JSON.stringify(`${JSON.stringify(GREETING)}\n`)});
        socket.once('data', () => {
          socket.write('{"return":{}}\\n');
          socket.once('data', () => {
            const block = Buffer.alloc(1 << 20, ${JSON.stringify(text)});
            let left = 100;
            const more = () => { while (left-- > 0) if (!socket.write(block)) return void socket.once('drain', more); };
            more();
          });
        });
      });
      server.listen(${JSON.stringify(path)}, () => console.log('up'));`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    disposals.push(() => {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    });
    await once(child.stdout!, 'data');
    return path;
  }

  it('is refused at 64 MB, soon, and with little more memory than that', async () => {
    const client = await QmpClient.connect({ path: await flooder('x') });
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const sampling = setInterval(() => {
      most = Math.max(most, process.memoryUsage().arrayBuffers);
    }, 5);
    const start = performance.now();
    await expect(client.execute('stop')).rejects.toMatchObject({
      code: 'GPUVM_QMP_PROTOCOL',
      details: { limitBytes: 64 * 1024 * 1024 },
    });
    const tookMs = performance.now() - start;
    clearInterval(sampling);
    expect(most - before).toBeGreaterThan(32 * 2 ** 20);
    expect(most - before).toBeLessThan(80 * 2 ** 20);
    expect(tookMs).toBeLessThan(5_000);
  });
});

describe('a flood of events', () => {
  it('is bounded by number for a slow reader, and leaves commands answered', async () => {
    const { client, peer } = await withPeer();
    const events = client.events();
    for (let i = 0; i < 50; i++) {
      peer.raw(Array.from({ length: 1000 }, (_, index) => event(i * 1000 + index)).join(''));
    }
    await client.execute('sync');
    expect(events.dropped).toBe(40_000);
    expect((await events.next()).value?.data).toMatchObject({ number: 40_000 });
    await events.return();
  });

  it('is bounded by size too', async () => {
    const { client, peer } = await withPeer();
    const events = client.events();
    const text = 'x'.repeat(1024 * 1024);
    for (let i = 0; i < 40; i++) peer.raw(event(i, text));
    await client.execute('sync');
    expect(events.dropped).toBeGreaterThanOrEqual(24);
    expect((await events.next()).value?.data).toMatchObject({ number: events.dropped });
    await events.return();
  });

  it('reaches every listener, though one of them throws', async () => {
    const { client, peer } = await withPeer();
    const thrown: unknown[] = [];
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', (error) => thrown.push(error));
    const seen: unknown[] = [];
    const off = client.on('STOP', () => {
      throw new Error('a mistake of the program');
    });
    client.on('STOP', ({ data }) => seen.push(data));
    peer.raw(event(1) + event(2).replace('STOP', 'RESUME'));
    await client.execute('sync');
    off();
    for (const other of others) process.on('uncaughtException', other);
    expect(thrown).toMatchObject([{ message: 'a mistake of the program' }]);
    expect(seen).toHaveLength(1);
  });
});

describe('any chunking of a valid stream', () => {
  it('yields the same messages', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 30 });
    const lines = fc.array(
      fc.oneof(
        text.map((text) => ({ event: 'STOP', data: { text }, timestamp: { seconds: 1, microseconds: 0 } })),
        fc.json().map((json) => ({ event: 'RESUME', data: { json } })),
      ),
      { maxLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(lines, fc.array(fc.integer({ min: 1, max: 60 })), async (messages, cuts) => {
        const { client, peer } = await withPeer();
        const seen: unknown[] = [];
        client.on('*', ({ data }) => seen.push(data));
        const stream = Buffer.from(messages.map((message) => `${JSON.stringify(message)}\r\n`).join(''));
        let at = 0;
        for (const cut of cuts) {
          if (at >= stream.length) break;
          peer.raw(stream.subarray(at, at + cut));
          at += cut;
          // Lets what was written be read on its own.
          await new Promise((resolve) => setImmediate(resolve));
        }
        peer.raw(stream.subarray(at));
        await client.execute('sync');
        expect(seen).toEqual(messages.map(({ data }) => data));
        client.close();
      }),
      { numRuns: 40 },
    );
  });
});
