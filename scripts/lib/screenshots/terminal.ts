import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { photograph } from './chromium.js';
import { SCALE, terminalPage } from './terminal-page.js';
import { Tmux } from './tmux.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

export interface TerminalPicture {
  readonly name: string;
  readonly columns: number;
  readonly rows: number;
  /** What is typed after `gpuvm bpmp `. */
  readonly words: string;
  /** What a person would do before, until it is as it is to be shown. */
  prepare(tmux: Tmux): Promise<void>;
}

/** A picture of a command at work in a real terminal, as `<folder>/<name>.png`. Answers its size in bytes. */
export async function photographTerminal(
  browser: Browser,
  { name, columns, rows, words, prepare }: TerminalPicture,
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const command = `cd '${root}' && "${process.execPath}" --import tsx src/cli/main.ts bpmp ${words}`;
  const tmux = await Tmux.start(command, {
    columns,
    rows,
    env: { ...env, LC_ALL: 'C.UTF-8', TERM: 'tmux-256color' },
  });
  try {
    await prepare(tmux);
    const captured = await tmux.coloured();
    const page = await browser.newPage({ deviceScaleFactor: SCALE });
    await page.setContent(terminalPage(captured, columns));
    const size = await photograph(page, join(folder, `${name}.png`));
    await page.close();
    return size;
  } finally {
    await tmux.stop();
  }
}
