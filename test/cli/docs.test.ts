import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands/index.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(join(root, 'docs/cli.md'), 'utf8');

/** The commands and their outputs in the page's `console` blocks. */
function examples(): [command: string, output: string][] {
  return [...page.matchAll(/^```console\n(.*?)^```$/gms)].flatMap(([, block]) =>
    block!
      .split(/^\$ /m)
      .slice(1)
      .map((example): [string, string] => {
        const end = example.indexOf('\n');
        return [example.slice(0, end), example.slice(end + 1)];
      }),
  );
}

function shell(command: string): Promise<string> {
  const script = `gpuvm() { "$NODE" --import tsx src/cli/main.ts "$@"; }\n${command} 2>&1`;
  const env = { ...process.env, NODE: process.execPath };
  return new Promise((resolve) => {
    execFile('sh', ['-c', script], { cwd: root, env }, (_error, stdout) => resolve(stdout));
  });
}

describe('docs/cli.md', () => {
  it('has a section for every command', () => {
    for (const { path } of commands) expect(page).toContain(`\n## gpuvm ${path} `);
  });

  it.each(examples())('$ %s', async (command, output) => {
    expect(await shell(command)).toBe(output);
  });
});
