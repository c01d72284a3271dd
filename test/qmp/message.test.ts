import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GpuvmError } from '../../src/errors.js';
import { parseMessage } from '../../src/qmp/message.js';

describe('parseMessage', () => {
  it('sorts the four kinds of message', () => {
    expect(
      parseMessage(
        '{"QMP":{"version":{"qemu":{"micro":22,"minor":2,"major":7},"package":"d"},"capabilities":["oob",7]}}',
      ),
    ).toEqual({
      kind: 'greeting',
      greeting: { version: { qemu: { major: 7, minor: 2, micro: 22 }, package: 'd' }, capabilities: ['oob'] },
    });
    expect(parseMessage('{"return": [1], "id": "a"}')).toEqual({ kind: 'return', id: 'a', value: [1] });
    expect(parseMessage('{"id": "a", "error": {"class": "GenericError", "desc": "no"}}')).toEqual({
      kind: 'error',
      id: 'a',
      error: { class: 'GenericError', desc: 'no' },
    });
    expect(parseMessage('{"event":"STOP","timestamp":{"seconds":2,"microseconds":500000}}')).toEqual({
      kind: 'event',
      event: { event: 'STOP', data: {}, timeMs: 2500 },
    });
  });

  it('takes the timestamp of a server without a clock', () => {
    const message = parseMessage('{"event":"STOP","timestamp":{"seconds":-1,"microseconds":-1}}');
    expect(message).toMatchObject({ kind: 'event', event: { timeMs: Number.NaN } });
  });

  it.each([
    '',
    '[]',
    'null',
    '"return"',
    '{}',
    '{"QMP":{}}',
    '{"QMP":null}',
    '{"QMP":{"version":{"qemu":{"major":"7"}}}}',
    '{"error":"x","id":1}',
    '{"error":{"class":1,"desc":"x"}}',
    '{"event":3}',
    '{"return":{}',
    '{"__proto__":{"return":1}}',
  ])('refuses %s', (line) => {
    expect(() => parseMessage(line)).toThrow(expect.objectContaining({ code: 'GPUVM_QMP_PROTOCOL' }));
  });

  it('shows no more than the start of a long line', () => {
    expect(() => parseMessage('x'.repeat(1e6))).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^.{1,250}$/) }),
    );
  });

  it('never throws anything else', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      fc.object().map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(texts, (line) => {
        try {
          return ['greeting', 'return', 'error', 'event'].includes(parseMessage(line).kind);
        } catch (error) {
          return GpuvmError.is(error, 'GPUVM_QMP_PROTOCOL');
        }
      }),
      { numRuns: 2000 },
    );
  });
});
