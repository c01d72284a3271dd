import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { format } from 'node:util';
import { transformSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import * as devicetree from '../../src/devicetree/index.js';
import { hasDtc } from './dtc.js';
import { hostBlob } from './fixtures/tegra234.js';

const page = readFileSync(resolve(import.meta.dirname, '../../docs/devicetree.md'), 'utf8');
const examples = [...page.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code!);

/** What an example says that it prints: its comments with an arrow. */
const promised = (code: string) => [...code.matchAll(/^\/\/ → (.*)$/gm)].map(([, line]) => line!);

/** Runs an example with the host's tree as its host.dtb, and returns what it printed. */
function run(code: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-docs-'));
  try {
    writeFileSync(join(folder, 'host.dtb'), hostBlob());
    const there = code.replace(/'(\w+\.dtb)'/g, (_, name: string) => JSON.stringify(join(folder, name)));
    const { code: program } = transformSync(there, { loader: 'ts', format: 'cjs' });
    const printed: string[] = [];
    const modules: Record<string, unknown> = {
      'gpuvm/devicetree': devicetree,
      'node:fs': { existsSync, readFileSync, writeFileSync },
    };
    const print = { log: (...values: unknown[]) => printed.push(...format(...values).split('\n')) };
    new Function('require', 'module', 'console', program)((name: string) => modules[name], {}, print);
    return printed;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe.skipIf(!hasDtc)("the documentation's examples", () => {
  it.each(examples.map((code, index) => ({ code, index })))('print what they promise: $index', ({ code }) => {
    expect(promised(code).length).toBeGreaterThan(0);
    expect(run(code)).toEqual(promised(code));
  });

  it('are some', () => {
    expect(examples.length).toBeGreaterThan(3);
  });

  it('are followed by a word on every function', () => {
    const functions = Object.keys(devicetree).filter(
      (name) => !['Limit', 'TreeNode', 'OverlayBuilder'].includes(name),
    );
    expect(functions.filter((name) => !page.includes(name))).toEqual([]);
  });
});
