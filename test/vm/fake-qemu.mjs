#!/usr/bin/env node
// Stands in for QEMU where a test needs one that misbehaves: takes QEMU's -qmp, and what to do from --fake=WORDS.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';

const argument = process.argv.find((word) => word.startsWith('--fake='))?.slice('--fake='.length) ?? '';
// WORDS;WORDS;… with --fake-count=FILE: what the first start does, the second, … and the last for all further ones.
const counter = process.argv.find((word) => word.startsWith('--fake-count='))?.slice('--fake-count='.length);
const starts = counter && existsSync(counter) ? readFileSync(counter, 'utf8').length : 0;
if (counter) appendFileSync(counter, '.');
const words = argument
  .split(';')
  .slice(0, starts + 1)
  .at(-1);
const fake = new Map(words.split(',').map((word) => word.split('=')));
const path = /^unix:(.*?),server/.exec(process.argv[process.argv.indexOf('-qmp') + 1])[1];

if (fake.has('stderr')) process.stderr.write(fake.get('stderr').replaceAll('|', '\n'));
if (fake.has('exit')) process.exit(Number(fake.get('exit')));
if (fake.has('exit-after')) setTimeout(() => process.exit(1), Number(fake.get('exit-after')));
process.on('SIGTERM', () => {
  if (!fake.has('ignore-terminate')) process.exit(0);
});
process.stdin.pipe(process.stdout);

const peers = new Set();
const send = (message) => {
  for (const peer of peers) peer.write(`${JSON.stringify(message)}\r\n`);
};
function end(guest, reason) {
  send({ event: 'SHUTDOWN', data: { guest, reason }, timestamp: { seconds: 1, microseconds: 0 } });
  setTimeout(() => process.exit(Number(fake.get('status') ?? 0)), 5);
}
const event = (name, data = {}) => send({ event: name, data, timestamp: { seconds: 1, microseconds: 0 } });
let resetEnds = false;
function reset(guest, reason) {
  if (resetEnds) end(guest, reason);
  else event('RESET', { guest, reason });
}
const commands = {
  stop: () => event('STOP'),
  cont: () => event('RESUME'),
  system_reset: () => reset(false, 'host-qmp-system-reset'),
  'set-action': ({ reboot }) => {
    resetEnds = reboot === 'shutdown';
  },
  system_powerdown: () => fake.has('ignore-powerdown') || end(true, 'guest-shutdown'),
  quit: () => fake.has('ignore-quit') || end(false, 'host-qmp-quit'),
};

createServer((peer) => {
  if (fake.has('silent')) return;
  peers.add(peer);
  peer.on('error', () => undefined);
  send({ QMP: { version: { qemu: { major: 9, minor: 9, micro: 9 }, package: '' }, capabilities: [] } });
  peer.on('data', (chunk) => {
    // The byte that QEMU's parser starts anew at.
    for (const line of chunk.toString('latin1').replaceAll('\u00ff', '').trim().split('\n')) {
      if (line === '') continue;
      const { execute, arguments: args, id } = JSON.parse(line);
      commands[execute]?.(args);
      const value =
        execute === 'query-version' ? { qemu: { major: 9, minor: 9, micro: 9 }, package: '' } : {};
      if (!fake.has(`mute-${execute}`)) peer.write(`${JSON.stringify({ return: value, id })}\r\n`);
      if (execute !== 'cont') continue;
      if (fake.has('reset')) setTimeout(reset, 20, true, 'guest-reset');
      if (fake.has('panic')) setTimeout(event, 20, 'GUEST_PANICKED', { action: fake.get('panic') });
      if (fake.has('watchdog')) setTimeout(event, 10, 'WATCHDOG', { action: fake.get('watchdog') });
      if (fake.has('quiet-exit')) setTimeout(() => process.exit(0), 30);
      if (fake.has('end')) setTimeout(end, 20, true, fake.get('end'));
      if (fake.has('outside')) setTimeout(end, 20, false, 'host-signal');
      if (fake.has('die')) setTimeout(() => process.kill(process.pid, 'SIGSEGV'), 20);
      if (fake.has('babble')) setTimeout(() => peer.write('babble\n'), 20);
    }
  });
}).listen(path, () => {
  if (fake.has('say-listening')) process.stderr.write('listening\n');
});

// The guest's agent, as far as it is asked anything here; `agent=mute` answers nothing, `agent=refuse` refuses.
const agentPath = /path=([^,]*)/.exec(
  process.argv.find((word) => word.includes('id=guest-agent')) ?? '',
)?.[1];
if (agentPath) {
  createServer((peer) => {
    // What an earlier client never read.
    peer.write('{"return": 1}\n{"ret');
    peer.on('error', () => undefined);
    peer.on('data', (chunk) => {
      if (fake.get('agent') === 'mute') return;
      for (const line of chunk.toString('latin1').replaceAll('\u00ff', '').trim().split('\n')) {
        if (line === '') continue;
        const { execute, arguments: args } = JSON.parse(line);
        if (execute === 'guest-sync-delimited')
          peer.write(`\u00ff${JSON.stringify({ return: args.id })}\n`, 'latin1');
        if (execute !== 'guest-shutdown') continue;
        if (fake.get('agent') === 'refuse')
          peer.write('{"error": {"class": "GenericError", "desc": "not today"}}\n');
        else if (fake.get('agent') !== 'lazy') end(true, 'guest-shutdown');
      }
    });
  }).listen(agentPath);
}
