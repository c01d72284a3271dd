import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCommand } from '../../src/qmp/format.js';

describe('formatCommand', () => {
  it('makes one short line', () => {
    expect(formatCommand('quit', undefined, 1)).toBe('{"execute":"quit","id":1}\n');
    expect(formatCommand('qom-get', { path: '/a\nb' }, 2, true)).toBe(
      '{"exec-oob":"qom-get","arguments":{"path":"/a\\nb"},"id":2}\n',
    );
  });

  it('carries any name and arguments as JSON does', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.dictionary(fc.string(), fc.string(), { maxKeys: 4 }),
        (execute, args) => {
          const line = formatCommand(execute, args, 7);
          expect(line.indexOf('\n')).toBe(line.length - 1);
          expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify({ execute, arguments: args, id: 7 })));
        },
      ),
    );
  });

  it('takes a bigint that JSON can carry, and refuses one that it would round', () => {
    expect(formatCommand('x', { size: 4096n }, 1)).toContain('"size":4096');
    for (const size of [2n ** 53n, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => formatCommand('x', { size }, 1)).toThrow(/size is .*cannot carry exactly/);
    }
  });

  it('refuses what goes round in a circle', () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    expect(() => formatCommand('x', circle, 1)).toThrow(expect.objectContaining({ code: 'GPUVM_USAGE' }));
  });
});
