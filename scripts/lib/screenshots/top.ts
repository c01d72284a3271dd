import { setTimeout as sleep } from 'node:timers/promises';
import type { TerminalPicture } from './terminal.js';
import type { Tmux } from './tmux.js';

const small = { columns: 80, rows: 24 };
const large = { columns: 120, rows: 40 };
const VM = 'simulated-orin';

/** The next picture of the screen has been drawn. */
const DRAWN_MS = 700;

async function keys(tmux: Tmux, ...pressed: string[]): Promise<void> {
  await tmux.until('deny');
  for (const key of pressed) {
    await tmux.keys(key);
    await sleep(150);
  }
  await sleep(DRAWN_MS);
}

/** `gpuvm bpmp top` and `trace` on a VM that is at work. */
export const terminalPictures: readonly TerminalPicture[] = [
  { name: 'top', ...small, words: `top ${VM}`, prepare: (tmux) => keys(tmux) },
  { name: 'top-large', ...large, words: `top ${VM}`, prepare: (tmux) => keys(tmux) },
  { name: 'top-resource', ...small, words: `top ${VM}`, prepare: (tmux) => keys(tmux, '3', 'Enter') },
  { name: 'top-denials', ...small, words: `top ${VM}`, prepare: (tmux) => keys(tmux, '4', 'End') },
  { name: 'top-latency', ...small, words: `top ${VM}`, prepare: (tmux) => keys(tmux, '5') },
  {
    name: 'trace',
    ...small,
    // A line of a refusal has its rule, too.
    columns: 110,
    words: `trace ${VM} --follow --filter 'bpmp.verdict != "malformed"'`,
    async prepare(tmux) {
      await tmux.until((text) => text.trimEnd().split('\n').length >= small.rows - 1);
      await sleep(DRAWN_MS);
    },
  },
];
