import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gpuvm-bundle-'));
  mkdirSync(join(folder, 'dist/cli'), { recursive: true });
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'));
  for (const name of ['main.cjs', 'main.bundle.cjs']) {
    copyFileSync(join(root, 'dist/cli', name), join(folder, 'dist/cli', name));
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (...words: string[]) =>
  execFileSync(process.execPath, [join(folder, 'dist/cli/main.cjs'), ...words], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });

describe('the bundled commands', () => {
  it('have what V8 made of them beside them, after a build', () => {
    expect(existsSync(join(root, `dist/cli/main.bundle.cjs.${process.arch}.cache`))).toBe(true);
    expect(existsSync(join(root, `dist/cli/entry.bundle.cjs.${process.arch}.cache`))).toBe(true);
  });

  it('work without it', () => {
    expect(run('--version')).toBe(`${version}\n`);
  });

  it('work with one that is damaged or cut', () => {
    const cache = readFileSync(join(root, `dist/cli/main.bundle.cjs.${process.arch}.cache`));
    for (const damaged of [Buffer.from('rubbish'), cache.subarray(0, 5000), Buffer.alloc(cache.length)]) {
      writeFileSync(join(folder, `dist/cli/main.bundle.cjs.${process.arch}.cache`), damaged);
      expect(run('--version')).toBe(`${version}\n`);
    }
  });
});
