import { setTimeout } from 'node:timers/promises';
import type { HostDevice } from '../../../../src/bpmp/backend/index.js';
import { ask, closed, forms, modes, open, using } from './host-device-client.js';
import { device } from './host-device-module.js';
import { run, start } from './processes.js';
import { shared } from './report.js';

/** A signal must not cut a transfer short, and a driver that sleeps is not woken. */
async function signals() {
  const delayMs = 1500;
  const programs: Record<string, Record<string, number>> = {};
  const own: Record<string, Awaited<ReturnType<typeof stormed>>> = {};
  for (const form of forms) {
    device.set('forms', form);
    device.set('delay_us', String(delayMs * 1000));
    const { stdout } = await run(`${shared}/bin/host-device-probe`, [form, 'interrupt']);
    programs[form] = JSON.parse(stdout);
    device.set('delay_us', '300000');
    for (const mode of modes) {
      device.clearLog();
      own[`${mode}, ${form}`] = await using(mode, stormed);
    }
  }
  return { delayMs, programs, own };
}

async function stormed(backend: HostDevice) {
  let count = 0;
  const onSignal = () => {
    count += 1;
  };
  process.on('SIGUSR2', onSignal);
  const storm = start('sh', [
    '-c',
    `for i in 1 2 3 4 5 6 7 8 9 10; do kill -USR2 ${process.pid}; usleep 50000 || sleep 0.05; done`,
  ]);
  const ended = new Promise((resolve) => storm.once('close', resolve));
  const answers = [await ask(backend, 'ping 1'), await ask(backend, 'ping 2'), await ask(backend, 'ping 3')];
  await ended;
  await setTimeout(20);
  process.off('SIGUSR2', onSignal);
  return { answers, signals: count, log: device.log().map(({ ret, errno }) => ret ?? `errno ${errno}`) };
}

/** A firmware that takes half a second for each of five transfers, and what the main loop does meanwhile. */
async function slow() {
  const DELAY_MS = 500;
  device.set('delay_us', String(DELAY_MS * 1000));
  const [first, second] = [open(), open()];
  let turns = 0;
  let longestMs = 0;
  let last = performance.now();
  const clock = setInterval(() => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - last);
    last = now;
    turns += 1;
  }, 5);
  const started = performance.now();
  const order: string[] = [];
  const one = async (backend: HostDevice, name: string) => {
    const answer = await ask(backend, `ping ${name}`);
    order.push(name);
    return answer;
  };
  const asked = [one(first, '1'), one(first, '2'), one(first, '3'), one(second, '4'), one(second, '5')];
  const pending = [first.stats().pending, second.stats().pending];
  const answers = await Promise.all(asked);
  const tookMs = performance.now() - started;
  clearInterval(clock);
  await closed(first);
  await closed(second);
  return { delayMs: DELAY_MS, answers, order, pending, tookMs, turns, longestMs };
}

/** More than wait their turn; closing under all of them; and a process that ends in the middle. */
async function hanging() {
  device.set('delay_us', '60000000');
  const backend = open();
  const asked = Array.from({ length: 300 }, (_, index) => ask(backend, `ping ${index}`));
  const refused = await Promise.all(asked.slice(256));
  const before = performance.now();
  backend.close();
  const answers = await Promise.all(asked.slice(0, 256));
  const closeMs = performance.now() - before;
  const stillOpen = device.openers().length;
  device.set('delay_us', '0');
  for (let tries = 0; tries < 1000 && device.openers().length > 0; tries++) await setTimeout(5);
  const openAfter = device.openers().length;

  device.set('delay_us', '60000000');
  device.clearLog();
  const child = start('gpuvm', ['bpmp', 'send', 'ping', '1']);
  const end = new Promise((resolve) => child.once('exit', (_status, by) => resolve(by)));
  for (let tries = 0; tries < 4000 && device.openers().length === 0; tries++) await setTimeout(5);
  await setTimeout(200);
  const told = performance.now();
  child.kill('SIGTERM');
  const by = await end;
  for (let tries = 0; tries < 1000 && device.openers().length > 0; tries++) await setTimeout(5);
  const ended = { by, ms: performance.now() - told, open: device.openers().length };
  return {
    refused: [...new Set(refused.map(({ ret }) => ret))],
    answers: [...new Set(answers.map(({ ret }) => ret))],
    closeMs,
    stillOpen,
    openAfter,
    ended,
  };
}

export const timeCases = { signals, slow, hanging };
