import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Tmux } from '../../scripts/lib/screenshots/tmux.js';
import { BusyVm } from '../../scripts/lib/screenshots/vm.js';
import { CaptureWriter } from '../../src/bpmp/capture/index.js';
import { sample } from '../cli/bpmp/top/sample.js';
import { demoIsPrepared } from './demo-parts.js';
import { hasProgram } from './programs.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

const PROMPT = '$ ';

describe.skipIf(!hasProgram('tmux'))('gpuvm bpmp top in a real terminal', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-real-top-'));
  const capture = join(folder, 'gpu.pcapng');
  const opened: Tmux[] = [];

  beforeAll(() => {
    const writer = new CaptureWriter();
    const blocks = sample({ count: 2000 }).map((record) => writer.add(record));
    writeFileSync(capture, Buffer.concat([writer.header(), ...blocks, writer.end()]));
  });
  afterEach(async () => {
    for (const tmux of opened.splice(0)) await tmux.stop();
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** A shell in a window of this size, in which `gpuvm` is the program from source. */
  async function shell(columns = 80, rows = 24, env: Record<string, string> = {}): Promise<Tmux> {
    const script = join(folder, 'shell.sh');
    writeFileSync(
      script,
      `gpuvm() { "${process.execPath}" --import tsx src/cli/main.ts "$@"; }\nPS1='${PROMPT}'\n`,
    );
    const tmux = await Tmux.start(`cd '${root}' && exec bash --rcfile '${script}' -i`, {
      columns,
      rows,
      env: { LC_ALL: 'C.UTF-8', TERM: 'tmux-256color', TZ: 'UTC', ...env },
    });
    opened.push(tmux);
    await tmux.until('$');
    return tmux;
  }

  async function top(tmux: Tmux, words = ''): Promise<string> {
    await tmux.type(`gpuvm bpmp top ${capture} ${words}`);
    await tmux.keys('Enter');
    return tmux.until('whole file');
  }

  /** The shell is back on the screen that was before, with its cursor, and its terminal echoes and makes lines. */
  async function expectRestored(tmux: Tmux, status: number): Promise<void> {
    await tmux.until((text) => text.trimEnd().endsWith('$'));
    expect(await tmux.tell('#{alternate_on} #{cursor_flag} #{wrap_flag}')).toBe('0 1 1');
    await tmux.type('echo status $?; stty -a');
    await tmux.keys('Enter');
    const text = await tmux.until(/status \d+[\s\S]*echoke/);
    expect(text).toContain(`status ${status}`);
    for (const mode of ['icanon', 'echo', 'isig']) expect(text).toMatch(new RegExp(`[^-]${mode}\\b`));
  }

  it('shows a capture, is led by keys, and leaves the terminal as it was', async () => {
    const tmux = await shell();
    const first = await top(tmux);
    expect(first.split('\n')[1]).toBe(' 2 000 requests   allow 1 840  absorb 81  deny 63  malformed 16');
    expect(await tmux.tell('#{alternate_on} #{cursor_flag}')).toBe('1 0');
    await tmux.keys('Tab', 'Tab', 'Down', 'Enter');
    await tmux.until('Transfers, the newest first');
    await tmux.keys('Escape');
    await tmux.until('q quit');
    await tmux.keys('4');
    await tmux.until('Why  built-in: not granted');
    await tmux.keys('?');
    await tmux.until('Ctrl-C        quit');
    await tmux.keys('x', 's', 'q');
    await expectRestored(tmux, 0);
  });

  it('filters, and shows a mistake under its place', async () => {
    const tmux = await shell();
    await top(tmux);
    await tmux.keys('f');
    await tmux.type('bpmp.clk.nam == "EMC"');
    await tmux.keys('Enter');
    const wrong = await tmux.until('did you mean bpmp.clk.name?');
    const lines = wrong.split('\n');
    const caret = lines.findIndex((line) => line.trim().startsWith('^'));
    expect(lines[caret]!.indexOf('^')).toBe(lines[caret - 1]!.indexOf('bpmp.clk.nam'));
    await tmux.keys('C-u');
    await tmux.type('bpmp.clk.name == "EMC"');
    await tmux.keys('Enter');
    const filtered = await tmux.until(/ 44 that match [\s\S]*filter bpmp\.clk\.name == "EMC"/);
    expect(filtered).not.toContain('GPC0CLK');
    await tmux.keys('C-c');
    await expectRestored(tmux, 0);
  });

  it('takes the size of its window, and says in ASCII what the locale has no characters for', async () => {
    const tmux = await shell(80, 24, { LC_ALL: 'C' });
    const small = await top(tmux);
    expect(small).toMatch(/<16 us #+/);
    await tmux.resize(132, 43);
    const large = await tmux.until((text) => text.split('\n')[0]!.trimEnd().length > 120);
    expect(large).toContain('p99');
    expect(large.trimEnd().split('\n')).toHaveLength(43);
    await tmux.resize(60, 15);
    await tmux.until((text) => text.startsWith(' gpuvm top') && text.trimEnd().split('\n').length === 15);
    await tmux.keys('q');
    await expectRestored(tmux, 0);
  });

  it.each([
    ['TERM', 143],
    ['HUP', 129],
    ['INT', 130],
  ])('gives the terminal back when it is ended by SIG%s', async (signal, status) => {
    const tmux = await shell();
    await tmux.type(`sh -c 'echo $$ >${folder}/pid; exec "$@"' sh `);
    await tmux.type(`"${process.execPath}" --import tsx src/cli/main.ts bpmp top ${capture}`);
    await tmux.keys('Enter');
    await tmux.until('whole file');
    process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), `SIG${signal}` as NodeJS.Signals);
    await expectRestored(tmux, status);
  });

  it('stops at Ctrl-Z with the terminal as it was, and goes on', async () => {
    const tmux = await shell();
    await top(tmux);
    await tmux.keys('C-z');
    await tmux.until('Stopped');
    expect(await tmux.tell('#{alternate_on} #{cursor_flag}')).toBe('0 1');
    await tmux.type('fg');
    await tmux.keys('Enter');
    await tmux.until((text) => text.includes('whole file') && !text.includes('Stopped'));
    expect(await tmux.tell('#{alternate_on} #{cursor_flag}')).toBe('1 0');
    await tmux.keys('5');
    await tmux.until('Slowest commands');
    await tmux.keys('q');
    await expectRestored(tmux, 0);
  });

  it('reads a capture from a pipe, and its keys from the terminal', async () => {
    const tmux = await shell();
    await tmux.type(`cat ${capture} | gpuvm bpmp top -`);
    await tmux.keys('Enter');
    const text = await tmux.until('whole file');
    expect(text).toContain('standard input');
    expect(text).toContain('2 000 requests');
    await tmux.keys('2');
    await tmux.until('malf.');
    await tmux.keys('q');
    await expectRestored(tmux, 0);
  });
});

describe.skipIf(!hasProgram('tmux') || !demoIsPrepared())('gpuvm bpmp top on a running VM', () => {
  it('shows what a guest asks as it asks, what it was refused and what it holds, and that it ended', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gpuvm-real-top-vm-'));
    const vm = await BusyVm.start(folder);
    const command = `cd '${root}' && "${process.execPath}" --import tsx src/cli/main.ts bpmp top; echo status $?`;
    // Nothing is named: it is the one VM that runs.
    const tmux = await Tmux.start(command, { columns: 80, rows: 24, env: { ...vm.env, LC_ALL: 'C.UTF-8' } });
    try {
      const first = await tmux.until(/clk GPC0CLK .*Holds \d|Holds 6[\s\S]*power domain GPU +on/);
      expect(first).toMatch(/^ gpuvm top {2}simulated-orin {2}running {2}up \d+ s .* live /);
      const count = async () =>
        Number(
          (await tmux.text())
            .split('\n')[1]!
            .replace(/ requests.*/, '')
            .replaceAll(' ', ''),
        );
      const before = await count();
      await expect.poll(count, { timeout: 30_000 }).toBeGreaterThan(before + 20);

      await tmux.keys('4', 'End');
      await tmux.until('mrqs: {DEBUG: [OPEN_WO]}');
      await tmux.keys('6');
      await tmux.until(/clock rate GPC0CLK +114\.75 MHz +918 MHz/);
      await tmux.keys('r', '2');
      await expect.poll(count, { timeout: 10_000 }).toBeLessThan(before + 20);

      await tmux.keys('p');
      const held = await tmux.until('PAUSED');
      await new Promise((resolve) => setTimeout(resolve, 1500));
      expect(await tmux.text()).toBe(held);
      await tmux.keys('p');

      await vm.stop();
      await tmux.until(/^ gpuvm top .* ended /);
      await tmux.keys('q');
      await tmux.until('status 0');
    } finally {
      await tmux.stop();
      await vm.stop();
      rmSync(folder, { recursive: true });
    }
  });
});
