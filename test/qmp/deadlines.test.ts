import { expect, it } from 'vitest';
import { deadlinesFor, QmpClient } from '../../src/qmp/index.js';
import { answer, fakeServer } from './fake-server.js';

const GIB = 2 ** 30;

it('grow by two seconds for each GiB that is pinned, begun ones included, but for the connection', () => {
  expect(deadlinesFor()).toEqual({ connectMs: 10_000, greetingMs: 10_000, commandMs: 30_000 });
  expect(deadlinesFor({}, 4 * GIB)).toEqual({ connectMs: 10_000, greetingMs: 18_000, commandMs: 38_000 });
  expect(deadlinesFor({}, 64n * 2n ** 30n + 1n)).toMatchObject({ greetingMs: 140_000, commandMs: 160_000 });
  expect(deadlinesFor({ greetingMs: 5 }, 4 * GIB)).toMatchObject({ greetingMs: 5, commandMs: 38_000 });
});

it('are kept apart: a slow greeting does not use up the time of a command', async () => {
  await using server = await fakeServer((request, peer) => setTimeout(() => answer(request, peer), 60));
  const client = await QmpClient.connect({ path: server.path, deadlines: { commandMs: 20 } });
  await expect(client.execute('stop')).rejects.toMatchObject({ details: { deadlineMs: 20 } });
  expect(await client.execute('stop', {}, { deadlineMs: Number.POSITIVE_INFINITY })).toEqual({});
  expect(client.lateReplies).toBe(1);
  client.close();
});

it('say which of them passed', async () => {
  await using server = await fakeServer(answer, { greet: false });
  const connect = (path: string, deadlines: object, deadlineMs?: number) =>
    QmpClient.connect({ path, deadlines, deadlineMs });
  await expect(connect('/tmp/gpuvm-nobody', { connectMs: 20 })).rejects.toMatchObject({
    message: 'the QMP socket /tmp/gpuvm-nobody: nobody listened within 20 ms',
  });
  await expect(connect(server.path, { connectMs: 20, greetingMs: 50 })).rejects.toMatchObject({
    message: expect.stringContaining('the QMP greeting was not completed within 50 ms'),
  });
  await expect(connect(server.path, {}, 30)).rejects.toMatchObject({ details: { deadlineMs: 30 } });
});

it('give a step all of the time for the whole, where it has none of its own', async () => {
  // The greeting comes after the usual deadline of a greeting, and before that of the whole.
  await using server = await fakeServer(answer, { greet: false });
  const started = performance.now();
  const connecting = QmpClient.connect({
    path: server.path,
    deadlines: { greetingMs: 40 },
    deadlineMs: 5_000,
  });
  await expect(connecting).rejects.toMatchObject({ details: { deadlineMs: 40 } });
  expect(performance.now() - started).toBeLessThan(2_000);
  const whole = QmpClient.connect({ path: server.path, deadlineMs: 40 });
  await expect(whole).rejects.toMatchObject({ details: { deadlineMs: 40 } });
});
