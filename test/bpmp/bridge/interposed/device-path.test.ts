import { describe, expect, it } from 'vitest';
import { DEVICE_PATH, isDevice } from '../../../../src/bpmp/bridge/interposed/device-path.js';

const is = (path: string, device = DEVICE_PATH) => isDevice(Buffer.from(path), device);

describe('isDevice', () => {
  it.each(['/dev/bpmp-host', '//dev//bpmp-host', '/dev/./bpmp-host', '/tmp/../dev/bpmp-host'])(
    'takes %s',
    (path) => {
      expect(is(path)).toBe(true);
    },
  );

  it.each([
    '',
    '/dev/bpmp-host2',
    '/dev/bpmp',
    'dev/bpmp-host',
    'bpmp-host',
    '/dev/bpmp-host/',
    '/dev/BPMP-host',
  ])('leaves %j alone', (path) => {
    expect(is(path)).toBe(false);
  });

  it('compares bytes', () => {
    expect(is('/dev/bpmp-häuslich', '/dev/bpmp-häuslich')).toBe(true);
    expect(isDevice(Buffer.from('/dev/bpmp-h\xe4', 'latin1'), '/dev/bpmp-hä')).toBe(false);
  });
});
