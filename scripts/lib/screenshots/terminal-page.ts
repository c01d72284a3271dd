import { type Look, type Run, runsOf } from './ansi.js';

/** A dark terminal: the sixteen colours, and those of text and ground. */
const COLOURS = [
  '#3b4252',
  '#e0646f',
  '#98c379',
  '#e5c07b',
  '#6fa8dc',
  '#c792d8',
  '#5fc3ce',
  '#cfd5e1',
  '#5c6578',
  '#f07c86',
  '#b4d89a',
  '#f0d297',
  '#8dbdea',
  '#d7abe4',
  '#82d6df',
  '#f4f6fa',
] as const;
const TEXT = '#cfd5e1';
const GROUND = '#1b1f27';

/** Of DejaVu Sans Mono, in em: what every glyph advances by, and a line from its ascent to its descent. */
const ADVANCE = 0.60205;
const LINE = 1.1643;
const FONT_PX = 14;

/** A captured terminal as a page that looks like it: every run stands where its cells are. */
export function terminalPage(captured: string, columns: number): string {
  const lines = runsOf(captured.replace(/\n$/, ''));
  const width = columns * ADVANCE * FONT_PX;
  const height = Math.round(FONT_PX * LINE);
  const body = lines.map((runs, row) => lineHtml(runs, row * height)).join('\n');
  return `<!doctype html>
<meta charset="utf-8">
<style>
  html { background: ${GROUND}; }
  body { margin: 0; padding: 10px 12px; width: max-content; }
  .screen { position: relative; width: ${width.toFixed(2)}px; height: ${lines.length * height}px; }
  span { position: absolute; white-space: pre; font: ${FONT_PX}px "DejaVu Sans Mono", monospace; line-height: ${height}px;
    height: ${height}px; overflow: hidden; font-variant-ligatures: none; }
</style>
<div class="screen">
${body}
</div>
`;
}

function lineHtml(runs: readonly Run[], top: number): string {
  let column = 0;
  return runs
    .map(({ text, look }) => {
      const left = column * ADVANCE * FONT_PX;
      const places = [...text].length;
      column += places;
      if (text.trim() === '' && !look.reverse && look.background === undefined) return '';
      const width = places * ADVANCE * FONT_PX;
      const style = `left:${left.toFixed(2)}px;top:${top}px;width:${width.toFixed(2)}px;${styleOf(look)}`;
      return `<span style="${style}">${escaped(text)}</span>`;
    })
    .join('');
}

function styleOf(look: Look): string {
  const front = look.foreground === undefined ? TEXT : COLOURS[look.foreground]!;
  const back = look.background === undefined ? undefined : COLOURS[look.background]!;
  const text = look.reverse ? (back ?? GROUND) : front;
  const ground = look.reverse ? front : back;
  return [
    `color:${text}`,
    ...(ground === undefined ? [] : [`background:${ground}`]),
    ...(look.bold ? ['font-weight:bold'] : []),
    // As terminals do it: half way to the ground.
    ...(look.faint ? ['opacity:0.6'] : []),
    ...(look.underline ? ['text-decoration:underline'] : []),
  ].join(';');
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
