import { describe, expect, it } from 'vitest';
import { createBackend } from '../../../src/bpmp/backend/index.js';
import { backendConfigSchema, simulatedOptionsSchema } from '../../../src/bpmp/backend/schema.js';

describe('a backend in a VM file', () => {
  it('may say all that the simulated BPMP can', () => {
    const options = {
      latencyUs: { min: 10, max: 200 },
      faults: [
        { mrq: 22, command: 7, id: 304, ret: -5, times: 1 },
        { mrq: 0, hang: true, every: 3 },
      ],
      thermalZones: [{ name: 'cpu', temperature: 40_000, thermtrip: 100_000 }],
      debugClocks: 3,
      tag: 'mine',
      seed: 1,
    };
    expect(simulatedOptionsSchema.parse(options)).toEqual(options);
    const config = backendConfigSchema.parse({ kind: 'simulated', ...options });
    expect(createBackend(structuredClone(config)).name).toBe('simulated');
  });

  it('names the device that it is on unless another is given', () => {
    expect(backendConfigSchema.parse({ kind: 'host-device' })).toEqual({
      kind: 'host-device',
      path: '/dev/bpmp-host',
    });
  });

  it.each([
    { kind: 'other' },
    { kind: 'simulated', latency: 1 },
    { kind: 'simulated', latencyUs: -1 },
    { kind: 'simulated', latencyUs: { min: 2, max: 1 } },
    { kind: 'simulated', faults: [{ command: 7 }] },
    { kind: 'simulated', faults: [{ mrq: 22, ret: 5 }] },
    { kind: 'simulated', thermalZones: [{ name: '../x', temperature: 1 }] },
    { kind: 'host-device', path: '' },
  ])('does not take %j', (config) => {
    expect(backendConfigSchema.safeParse(config).success).toBe(false);
  });
});
