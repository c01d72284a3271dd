import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { commandsOf, missingFrom } from '../support/console-session.js';
import { guestIsPrepared } from './mainline/vm-file.js';

const root = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'gpuvm-hunt-'));
afterAll(() => rmSync(folder, { recursive: true }));

const page = readFileSync(join(root, 'docs/debugging.md'), 'utf8');
const commands = commandsOf(page);

describe.skipIf(!guestIsPrepared())('the hunt in docs/debugging.md', () => {
  cpSync(join(root, 'examples/debugging'), folder, { recursive: true });
  writeFileSync(
    join(folder, 'gpuvm'),
    `#!/bin/sh\nexec "${process.execPath}" --import "${join(root, 'node_modules/tsx/dist/loader.mjs')}" "${join(root, 'src/cli/main.ts')}" "$@"\n`,
    { mode: 0o755 },
  );

  it('has commands', () => {
    expect(commands.length).toBeGreaterThanOrEqual(8);
  });

  it.each(commands)('line $line: $command', async ({ command, printed }) => {
    const output = await shell(command);
    expect(missingFrom(output, printed), output).toBeUndefined();
  });
});

/** Both of its streams, as a terminal would have them. What it ends with is told by what it prints. */
function shell(command: string): Promise<string> {
  return new Promise((done, fail) => {
    const child = spawn('sh', ['-c', `exec 2>&1; ${command}`], {
      cwd: folder,
      env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.once('error', fail).once('close', () => done(output));
  });
}
