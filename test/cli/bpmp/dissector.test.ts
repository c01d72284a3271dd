import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dissectorText } from '../../../src/bpmp/dissector/index.js';
import { run } from '../../../src/cli/bpmp/dissector/command.js';
import { run as listFields } from '../../../src/cli/bpmp/fields.js';
import { world } from '../world.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gpuvm-dissector-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function call(options: Record<string, unknown>, env: NodeJS.ProcessEnv = {}, json = false) {
  const surroundings = world('', { json });
  await run({ args: [], options }, surroundings.context, { HOME: folder, PATH: folder, ...env });
  return surroundings;
}

/** A tshark that says this of its folders. */
function tshark(text: string): void {
  const path = join(folder, 'tshark');
  writeFileSync(path, `#!/bin/sh\n[ "$*" = "-G folders" ] || exit 2\ncat <<'END'\n${text}\nEND\n`);
  chmodSync(path, 0o755);
}

const told = (path: string) =>
  `Temp:\t/tmp\nPersonal Lua Plugins:\t${path}\nGlobal Lua Plugins:\t${path}-all\n`;
const PATH = process.env.PATH;

describe('gpuvm bpmp dissector', () => {
  it('goes to standard output', async () => {
    const { stdout, stderr } = await call({});
    expect(`${stdout.join('\n')}\n`).toBe(dissectorText());
    expect(stderr).toEqual([]);
  });

  it('goes to a file', async () => {
    await call({ output: join(folder, 'x.lua') });
    expect(readFileSync(join(folder, 'x.lua'), 'utf8')).toBe(dissectorText());
  });

  it('is installed where tshark says, told of once, and replaces an older one', async () => {
    const place = join(folder, 'a folder', 'of plugins');
    tshark(told(place));
    const env = { PATH: `${folder}:${PATH}` };
    const file = join(place, 'gpuvm-bpmp.lua');
    const first = await call({ install: true }, env);
    expect(first.stdout).toEqual([file]);
    expect(first.stderr[0]).toMatch(/^gpuvm: installed/);
    expect((await call({ install: true }, env)).stderr).toEqual(['gpuvm: it was there already']);
    writeFileSync(file, '-- of old');
    expect((await call({ install: true }, env)).stderr[0]).toMatch(/^gpuvm: an older one was replaced/);
    expect(readFileSync(file, 'utf8')).toBe(dissectorText());
    expect(readdirSync(place)).toEqual(['gpuvm-bpmp.lua']);
    const json = await call({ install: true }, env, true);
    expect(JSON.parse(json.stdout.join(''))).toEqual({ ok: true, path: file, outcome: 'unchanged' });
  });

  it('is installed for everybody', async () => {
    tshark(told(join(folder, 'plugins')));
    const { stdout } = await call({ system: true }, { PATH: `${folder}:${PATH}` });
    expect(stdout).toEqual([join(folder, 'plugins-all', 'gpuvm-bpmp.lua')]);
  });

  it('is installed at the usual place where there is no tshark, or one that does not say', async () => {
    const usual = join(folder, '.local/lib/wireshark/plugins/gpuvm-bpmp.lua');
    const none = await call({ install: true });
    expect(none.stdout).toEqual([usual]);
    expect(none.stderr[1]).toContain('no tshark to ask');
    tshark('Temp:\t/tmp');
    expect((await call({ install: true }, { PATH: `${folder}:${PATH}` })).stdout).toEqual([usual]);
    await expect(call({ system: true })).rejects.toMatchObject({ code: 'GPUVM_FILE' });
  });

  it('refuses two places, and says what it cannot write', async () => {
    await expect(call({ install: true, output: 'x' })).rejects.toMatchObject({ code: 'GPUVM_USAGE' });
    writeFileSync(join(folder, '.local'), 'a file');
    await expect(call({ install: true })).rejects.toMatchObject({ code: 'GPUVM_FILE' });
    await expect(call({ output: join(folder, 'nowhere/x.lua') })).rejects.toMatchObject({
      code: 'GPUVM_FILE',
    });
  });
});

describe('gpuvm bpmp fields', () => {
  async function fields(words: string[], json = false): Promise<string[]> {
    const surroundings = world('', { json });
    await listFields({ args: words, options: {} }, surroundings.context);
    return surroundings.stdout;
  }

  it('lists all of them', async () => {
    const all = await fields([]);
    expect(all.length).toBeGreaterThan(290);
    expect(all[0]).toMatch(/^bpmp\.vm +string +the VM's name$/);
  });

  it('lists those with all of the words', async () => {
    expect(await fields(['clk', 'SET_RATE', 'reply'])).toEqual([
      expect.stringMatching(/^bpmp\.clk\.reply\.rate_hz +int64 +rate, in Hz; reply of CLK GET_RATE, /),
      expect.stringMatching(/^bpmp\.clk\.reply\.flags\.has_set_rate +bool /),
    ]);
    await expect(fields(['bpmp.clk.nmae'])).rejects.toMatchObject({
      message: expect.stringContaining('bpmp.clk.name'),
    });
  });

  it('lists them as JSON', async () => {
    expect(JSON.parse((await fields(['bpmp.pg.state.name'], true)).join(''))).toEqual([
      {
        name: 'bpmp.pg.state.name',
        type: 'string',
        label: 'State name',
        meaning: 'name of the state; request of PG SET_STATE',
        names: { OFF: 0, ON: 1, RUNNING: 2 },
      },
    ]);
  });
});
