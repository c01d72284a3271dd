import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { errorCodes, formatPlace, GpuvmError } from '../src/errors.js';
import { endings } from '../src/vm/index.js';

const root = fileURLToPath(new URL('../', import.meta.url));
const page = readFileSync(join(root, 'docs/errors.md'), 'utf8');

/** The cells of the page's table rows that start with the pattern. */
function rows(pattern: RegExp): string[][] {
  const lines = page.split('\n').filter((line) => pattern.test(line));
  return lines.map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$|`/g, '')));
}

describe('docs/errors.md', () => {
  it('has every code of the catalogue with its status, in its order, and no other', () => {
    const documented = rows(/^\| `GPUVM_/).map(([code, status]) => [code, Number(status)]);
    expect(documented).toEqual(Object.entries(errorCodes));
  });

  it('says for each what it means and what to do', () => {
    for (const [code, , meaning, action] of rows(/^\| `GPUVM_/)) {
      expect(meaning, code).toMatch(/^[A-Z].*\.$/);
      expect(action?.length, code).toBeGreaterThan(10);
    }
  });

  it('has every ending of a VM with its status', () => {
    const documented = rows(/^\| \d+ \| `[a-z-]+` \|/).map(([status, ending]) => [ending, Number(status)]);
    expect(documented).toEqual(Object.entries(endings));
  });

  it('forgets no code that the sources name', () => {
    const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
    const sources = files
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(root, 'src', file), 'utf8'))
      .join('\n');
    const used = new Set(sources.match(/(?<=')GPUVM_[A-Z_]+(?=')/g));
    for (const code of used) expect(Object.keys(errorCodes)).toContain(code);
  });
});

describe('GpuvmError', () => {
  it('puts the place before the message, and carries the status of its code', () => {
    const place = { file: 'vm.yaml', line: 3, column: 5 };
    const error = new GpuvmError('GPUVM_CONFIG', 'memory is missing', { place, details: { key: 'memory' } });
    expect(error).toMatchObject({ message: 'vm.yaml:3:5: memory is missing', exitStatus: 78, place });
    expect(formatPlace({ file: 'vm.yaml', line: 3 })).toBe('vm.yaml:3');
  });

  it('is known by its name and code, not by its class', () => {
    const foreign = Object.assign(new Error('x'), { name: 'GpuvmError', code: 'GPUVM_FILE' });
    expect(GpuvmError.is(foreign)).toBe(true);
    expect(GpuvmError.is(foreign, 'GPUVM_FILE')).toBe(true);
    expect(GpuvmError.is(foreign, 'GPUVM_USAGE')).toBe(false);
    expect(GpuvmError.is(new Error('x'))).toBe(false);
    expect(GpuvmError.is({ name: 'GpuvmError' })).toBe(false);
  });
});
