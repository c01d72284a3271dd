import { type CellLine, span } from './cells.js';

const keys: readonly (readonly [string, string])[] = [
  ['Tab, 1 to 6', 'the panes, one after the other or by number'],
  ['↑ ↓ PgUp PgDn', 'mark a row'],
  ['← →', 'in the overview the table, else the pane'],
  ['Enter', 'open the marked command, resource or denial; Esc goes back'],
  ['s, S', 'sort by the next, or the former column; ▾ shows which'],
  ['f, /', 'a filter such as bpmp.verdict == "deny", or none'],
  ['p, Space', 'hold the picture; counting goes on'],
  ['r', 'count anew from here'],
  ['v', 'choose another VM'],
  ['q, Ctrl-C', 'quit'],
];

const words: readonly (readonly [string, string])[] = [
  ['now, 10 s, 60 s', 'requests a second over the last 1, 10 and 60 seconds'],
  ['absorb', 'answered like a success, and not done'],
  ['p50, p99', 'half of the requests took no longer, 99 of 100 no longer'],
  ['Holds', 'what the guest changed and did not put back'],
];

export function helpPane(): CellLine[] {
  const lines = (rows: readonly (readonly [string, string])[]) =>
    rows.map(([name, meaning]): CellLine => [span(`  ${name.padEnd(17)}`, 'key'), span(meaning)]);
  return [[span('Keys', 'section')], ...lines(keys), [], [span('Words', 'section')], ...lines(words)];
}
