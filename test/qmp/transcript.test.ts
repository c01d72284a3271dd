import { afterEach, describe, expect, it } from 'vitest';
import { parseTranscript, QmpClient, replay, Transcript } from '../../src/qmp/index.js';
import { type Behaviour, fakeServer } from './fake-server.js';

const disposals: (() => PromiseLike<void> | void)[] = [];
afterEach(async () => {
  for (const dispose of disposals.splice(0).reverse()) await dispose();
});

const behave: Behaviour = (request, peer) => {
  const { id, execute } = request;
  if (execute === 'stop') peer.send({ event: 'STOP', timestamp: { seconds: 1, microseconds: 5 } });
  if (execute === 'device_del') peer.send({ error: { class: 'DeviceNotFound', desc: 'no such device' }, id });
  else peer.send({ return: execute === 'query-name' ? { name: 'kite' } : {}, id });
};

/** What a program does with a VM. */
async function session(path: string, transcript?: Transcript) {
  const client = await QmpClient.connect({ path, transcript });
  const stopped = client.waitFor('STOP');
  const results = [
    await client.execute('query-name'),
    await client.execute('stop'),
    (await stopped).event,
    await client.execute('set_password', { protocol: 'vnc', password: 'hunter2' }),
    await client.execute('device_del', { id: 'd' }).catch(({ details }) => details.class),
    await Promise.all([client.execute('query-status'), client.execute('query-name')]),
  ];
  client.close();
  return results;
}

async function recorded() {
  const server = await fakeServer(behave);
  disposals.push(() => server[Symbol.asyncDispose]());
  const transcript = new Transcript();
  return { results: await session(server.path, transcript), transcript };
}

describe('Transcript', () => {
  it('keeps both ways with times, and no secret', async () => {
    const { transcript } = await recorded();
    const entries = parseTranscript(transcript.toString());
    expect(entries[0]).toMatchObject({ direction: 'in', message: { QMP: {} } });
    expect(entries[1]).toMatchObject({ direction: 'out', message: { execute: 'qmp_capabilities' } });
    expect(entries.at(-1)).toMatchObject({ ended: expect.stringContaining('closed by this program') });
    const times = entries.map(({ timeMs }) => timeMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(transcript.toString()).not.toContain('hunter2');
    expect(transcript.toString()).toContain('[redacted]');
  });

  it('is bounded: the greeting and the newest stay', () => {
    const lines: string[] = [];
    const transcript = new Transcript({ maxLength: 1000, onLine: (line) => lines.push(line) });
    transcript.record('in', '{"QMP":1}');
    for (let i = 0; i < 100; i++) transcript.record('in', JSON.stringify({ event: 'X', data: { i } }));
    expect(transcript.lines[0]).toContain('"QMP"');
    expect(transcript.lines.at(-1)).toContain('"i":99');
    expect(transcript.toString().length).toBeLessThan(1200);
    expect(transcript.dropped).toBe(101 - transcript.lines.length);
    expect(lines).toHaveLength(101);
  });

  it('leaves out what is long, cuts what is no JSON, and keeps nothing that it cannot redact', () => {
    const transcript = new Transcript({
      maxMessageLength: 50,
      redact: (message) => {
        if (JSON.stringify(message).includes('secret')) throw new Error('no');
        return message;
      },
    });
    transcript.record('in', `"${'x'.repeat(100)}"`);
    transcript.record('in', 'not json');
    transcript.record('out', '{"a":"secret"}');
    expect(parseTranscript(transcript.toString())).toMatchObject([
      { omittedBytes: 102 },
      { text: 'not json' },
      { text: 'not redacted: no' },
    ]);
  });
});

describe('replay', () => {
  it('answers a program as the recorded server did, to the same end', async () => {
    const { results, transcript } = await recorded();
    await using server = await replay(transcript);
    expect(await session(server.path)).toEqual(results);
    expect(server.mismatches).toEqual([]);
    expect(server.remaining).toBe(0);
  });

  it('answers again for each connection, whatever ids the client takes', async () => {
    const { results, transcript } = await recorded();
    await using server = await replay(transcript.toString());
    for (let round = 0; round < 3; round++) expect(await session(server.path)).toEqual(results);
  });

  it('refuses what is not in the transcript, and says what is', async () => {
    const { transcript } = await recorded();
    await using server = await replay(transcript);
    const client = await QmpClient.connect({ path: server.path });
    disposals.push(() => client.close());
    await expect(client.execute('quit')).rejects.toMatchObject({
      code: 'GPUVM_QMP_COMMAND',
      message: expect.stringContaining('the transcript has query-name, and not quit'),
    });
    expect(server.mismatches).toHaveLength(1);
    expect(await client.execute('query-name')).toEqual({ name: 'kite' });
    expect(server.remaining).toBe(5);
  });

  it('ends the connection where the server had ended it', async () => {
    const lines = [
      { timeMs: 0, direction: 'out', message: { execute: 'quit' } },
      { timeMs: 1, direction: 'in', message: { return: {} } },
      { timeMs: 2, direction: 'in', message: { event: 'SHUTDOWN', data: { guest: false } } },
      { timeMs: 3, ended: 'QEMU closed the QMP connection' },
    ];
    await using server = await replay(lines.map((line) => JSON.stringify(line)).join('\n'));
    const client = await QmpClient.connect({ path: server.path });
    const shutdown = client.waitFor('SHUTDOWN');
    await client.execute('quit');
    expect((await shutdown).data.guest).toBe(false);
    expect(await client.ended).toMatchObject({ code: 'GPUVM_QMP_CLOSED' });
  });
});
