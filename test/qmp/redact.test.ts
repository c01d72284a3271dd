import { describe, expect, it } from 'vitest';
import { QmpClient, redactArguments, redactMessage } from '../../src/qmp/index.js';
import { fakeServer } from './fake-server.js';

describe('what is not written down', () => {
  it.each<[string, object, object]>([
    ['set_password', { protocol: 'vnc', password: 'hunter2' }, { protocol: 'vnc', password: '[redacted]' }],
    ['change-vnc-password', { password: 'hunter2' }, { password: '[redacted]' }],
    [
      'object-add',
      { 'qom-type': 'secret', id: 's', data: 'hunter2', format: 'raw' },
      { 'qom-type': 'secret', id: 's', data: '[redacted]', format: 'raw' },
    ],
    [
      'qom-set',
      { path: '/objects/s', property: 'data', value: 'hunter2' },
      { path: '/objects/s', property: 'data', value: '[redacted]' },
    ],
    [
      'sev-inject-launch-secret',
      { 'packet-header': 'hunter2', secret: 'hunter2', gpa: 1 },
      { 'packet-header': '[redacted]', secret: '[redacted]', gpa: 1 },
    ],
    ['send-key', { keys: [{ type: 'qcode', data: 'h' }] }, { keys: '[redacted]' }],
    [
      'blockdev-add',
      { driver: 'ssh', server: { host: 'h', password: 'hunter2' } },
      { driver: 'ssh', server: { host: 'h', password: '[redacted]' } },
    ],
    ...(
      [
        ['set_password vnc hunter2', 'set_password vnc [redacted]'],
        ['  change vnc password hunter2', '  change vnc password [redacted]'],
        ['sendkey h-u-n', 'sendkey [redacted]'],
        ['object_add secret,id=s,data=hunter2', 'object_add secret,id=s,data=[redacted]'],
      ] as const
    ).map(([line, kept]): [string, object, object] => [
      'human-monitor-command',
      { 'command-line': line },
      { 'command-line': kept },
    ]),
  ])('of %s', (command, args, kept) => {
    expect(redactArguments(command, args)).toEqual(kept);
    expect(redactMessage({ execute: command, arguments: args, id: 1 })).toEqual({
      execute: command,
      arguments: kept,
      id: 1,
    });
    expect(JSON.stringify(redactMessage({ 'exec-oob': command, arguments: args }))).not.toContain('hunter2');
  });

  it('keeps names of secrets, and all that is none', () => {
    const args = { 'password-secret': 'sec0', 'key-secret': 'sec1', id: 'd', data: [1], size: 4096 };
    expect(redactArguments('blockdev-add', args)).toEqual(args);
    expect(redactArguments('human-monitor-command', { 'command-line': 'info registers' })).toEqual({
      'command-line': 'info registers',
    });
    expect(redactMessage({ execute: 'stop', id: 1 })).toEqual({ execute: 'stop', id: 1 });
    expect(redactMessage(['x'])).toEqual(['x']);
    expect(redactMessage({ return: { password: 'hunter2', n: 1 } })).toEqual({
      return: { password: '[redacted]', n: 1 },
    });
  });

  it('does not appear in errors either', async () => {
    await using server = await fakeServer(({ id }, peer) =>
      peer.send({ error: { class: 'GenericError', desc: 'no' }, id }),
    );
    const client = await QmpClient.connect({ path: server.path });
    const error = await client
      .execute('set_password', { protocol: 'vnc', password: 'hunter2' })
      .catch((reason: unknown) => reason as Error & { details: unknown });
    client.close();
    expect(JSON.stringify((error as { details: unknown }).details)).not.toContain('hunter2');
    expect(error).toMatchObject({ details: { request: { arguments: { protocol: 'vnc' } } } });
  });
});
