import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { takeEnvironment } from '../../../src/host/systemd/environment.js';

const PID = 42;

describe("a service's environment", () => {
  it('is read and cleared', () => {
    const env = {
      NOTIFY_SOCKET: '/run/systemd/notify',
      LISTEN_PID: '42',
      LISTEN_FDS: '3',
      LISTEN_FDNAMES: 'qmp::state',
      WATCHDOG_USEC: '2500000',
      WATCHDOG_PID: '42',
      PATH: '/bin',
    };
    expect(takeEnvironment(env, PID)).toEqual({
      notifySocket: '/run/systemd/notify',
      descriptorNames: ['qmp', 'unknown', 'state'],
      watchdogMs: 2500,
    });
    expect(env).toEqual({ PATH: '/bin' });
  });

  it.each([
    [{ LISTEN_PID: '43', LISTEN_FDS: '2' }],
    [{ LISTEN_FDS: '2' }],
    [{ LISTEN_PID: '42', LISTEN_FDS: '-1' }],
    [{ LISTEN_PID: '42', LISTEN_FDS: '99999999' }],
    [{ WATCHDOG_USEC: '1000', WATCHDOG_PID: '1' }],
    [{ WATCHDOG_USEC: '0' }],
    [{ NOTIFY_SOCKET: 'vsock:2:1234' }],
    [{ NOTIFY_SOCKET: '@' }],
  ])('that is meant for somebody else, or cannot be, says nothing: %o', (env: NodeJS.ProcessEnv) => {
    expect(takeEnvironment(env, PID)).toEqual({ descriptorNames: [] });
    expect(env).toEqual({});
  });

  it('may be anything', () => {
    const text = fc.option(fc.string({ maxLength: 20 }), { nil: undefined });
    const record = fc.record({
      NOTIFY_SOCKET: text,
      LISTEN_PID: fc.constant('42'),
      LISTEN_FDS: text,
      LISTEN_FDNAMES: text,
      WATCHDOG_USEC: text,
      WATCHDOG_PID: text,
    });
    fc.assert(
      fc.property(record, (env) => {
        const { descriptorNames, watchdogMs = 1 } = takeEnvironment(env, PID);
        expect(descriptorNames.length).toBeLessThanOrEqual(4096);
        expect(watchdogMs).toBeGreaterThan(0);
      }),
    );
  });
});
