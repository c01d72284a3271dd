import type { TransferRecord } from '../../../../src/bpmp/capture/index.js';
import { App, type AppOptions } from '../../../../src/cli/bpmp/top/app.js';
import type { VmFacts } from '../../../../src/cli/bpmp/top/facts.js';
import { textLines } from '../../../../src/cli/bpmp/top/terminal/painter.js';
import { lineWidth } from '../../../../src/cli/bpmp/top/view/cells.js';
import { screen } from '../../../../src/cli/bpmp/top/view/screen.js';
import { sample } from './sample.js';

/** The names of verdicts are filters enough here; anything else is a mistake at its third character. */
export const verdictFilters: Pick<AppOptions, 'compile' | 'mistakeOf'> = {
  compile: (text) => {
    if (!['allow', 'deny', 'absorb', 'malformed'].includes(text)) throw new Error(`no verdict ${text}`);
    return ({ verdict }: TransferRecord) => verdict === text;
  },
  mistakeOf: (error) => ({ message: (error as Error).message, at: 2 }),
};

export const facts: VmFacts = {
  state: 'running',
  uptimeMs: 134_000,
  restarts: 0,
  totals: { allow: 45_190, absorb: 90, deny: 2582, malformed: 3 },
  holdings: [
    { resource: 'power domain GPU', before: 'off', now: 'on' },
    { resource: 'clock GPUSYS', before: 'off', now: 'on' },
    { resource: 'clock rate GPC0CLK', before: '408000000 Hz', now: '918000000 Hz' },
    { resource: 'reset GPU', before: 'asserted', now: 'deasserted' },
  ],
};

export function liveApp(options: Partial<AppOptions> = {}): App {
  const app = new App({
    origin: { name: 'orin', kind: 'vm' },
    ...verdictFilters,
    fixOf: ({ verdict }) => (verdict === 'deny' ? 'clocks: {EMC: use}' : undefined),
    isRepeatable: false,
    ...options,
  });
  app.setFacts(facts);
  return app;
}

/** A VM that has been asked for a while, and the time of its last transfer. */
export function busyApp(options: Partial<AppOptions> = {}): { app: App; nowMs: number } {
  const app = liveApp(options);
  const records = sample({ count: 1500 });
  app.add(records);
  return { app, nowMs: Number(records.at(-1)!.timeNs / 1_000_000n) };
}

export function shown(app: App, nowMs: number, columns: number, rows: number): string {
  const lines = screen(app.picture(nowMs), { columns, rows });
  for (const [row, line] of lines.entries())
    if (lineWidth(line) !== columns) throw new Error(`line ${row} has ${lineWidth(line)} places`);
  if (lines.length !== rows) throw new Error(`${lines.length} lines`);
  return `${textLines(lines, { colour: false, ascii: false }).join('\n')}\n`;
}
