import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { MetricsListener, type MetricsListenerOptions } from '../../src/metrics/index.js';

const opened: (MetricsListener | Server)[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await (one instanceof MetricsListener ? one.close() : one.close());
});

async function open(options: Partial<MetricsListenerOptions> = {}) {
  const notes: string[] = [];
  const listener = new MetricsListener({
    address: '127.0.0.1',
    port: 0,
    answer: async (format) => ({ contentType: `text/${format}`, body: 'up 1\n' }),
    onNote: (line) => notes.push(line),
    ...options,
  });
  opened.push(listener);
  await listener.open();
  return { listener, notes, url: `http://127.0.0.1:${listener.port}` };
}

/** Sends bytes and resolves with all that comes until the other side closes. */
async function exchange(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  socket.write(bytes);
  await once(socket, 'close');
  return text;
}

describe('the port for metrics', () => {
  it('answers GET and HEAD of /metrics, in the format that is asked for', async () => {
    const { url } = await open();
    const answer = await fetch(`${url}/metrics?any=thing`);
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
      200,
      'text/prometheus',
      'up 1\n',
    ]);
    const accept = 'application/openmetrics-text;version=1.0.0';
    const other = await fetch(`${url}/metrics`, { headers: { accept } });
    expect(other.headers.get('content-type')).toBe('text/openmetrics');
    expect((await fetch(`${url}/metrics`, { method: 'HEAD' })).headers.get('content-length')).toBe('5');
  });

  it('has nothing else', async () => {
    const { url } = await open();
    for (const path of ['/', '/v1/status', '/v1/stop', '/metrics/', '/metrics/../v1/status'])
      expect((await fetch(`${url}${path}`)).status).toBe(404);
    const posted = await fetch(`${url}/metrics`, { method: 'POST', body: 'x' });
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  it('asks the VM a few times a second at most, and once for all who ask together', async () => {
    let asked = 0;
    const { url } = await open({
      answer: async () => {
        asked++;
        await sleep(20);
        return { contentType: 'text/plain', body: 'up 1\n' };
      },
    });
    await Promise.all(Array.from({ length: 12 }, () => fetch(`${url}/metrics`)));
    expect(asked).toBe(1);
    await sleep(300);
    await fetch(`${url}/metrics`);
    expect(asked).toBe(2);
  });

  it('says 503 where the VM does not tell', async () => {
    const { url } = await open({ answer: () => Promise.reject(new Error('no')) });
    expect((await fetch(`${url}/metrics`)).status).toBe(503);
  });

  it('has so many places and no more, and is well again after a flood', async () => {
    const { listener, url } = await open();
    const sockets = Array.from({ length: 100 }, () => connect(listener.port!, '127.0.0.1'));
    let closed = 0;
    for (const socket of sockets) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        closed++;
      });
    }
    await expect.poll(() => closed).toBeGreaterThanOrEqual(84);
    for (const socket of sockets) socket.destroy();
    await expect.poll(async () => (await fetch(`${url}/metrics`).catch(() => undefined))?.status).toBe(200);
  });

  it('gives up on long heads, nonsense, and clients that never come to a request', async () => {
    const { listener } = await open();
    const { port } = listener;
    expect(await exchange(port!, `GET /metrics HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)).toContain(
      ' 431 ',
    );
    expect(await exchange(port!, '\x16\x03\x01nonsense\r\n\r\n')).toContain(' 400 ');
    expect(await exchange(port!, 'GET /metrics HTTP/1.1\r\n')).toContain(' 408 ');
  });

  it('that is taken is told of once, and served when it is free', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    opened.push(other);
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const { listener, notes } = await open({ port, againMs: 20 });
    expect(listener.port).toBeUndefined();
    await sleep(100);
    expect(notes).toEqual([
      `no metrics on 127.0.0.1:${port}, which is tried again: somebody else listens there`,
    ]);
    other.close();
    await expect.poll(() => notes.at(-1)).toBe(`metrics are served on 127.0.0.1:${port} now`);
    expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(200);
  });

  it('that the host does not have is told of', async () => {
    const { notes } = await open({ address: '192.0.2.1', port: 9470 });
    expect(notes).toEqual([
      'no metrics on 192.0.2.1:9470, which is tried again: the host does not have this address',
    ]);
  });
});
