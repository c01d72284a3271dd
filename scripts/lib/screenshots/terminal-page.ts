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

const FONT_PX = 14;
/** What every glyph of DejaVu Sans Mono advances by. */
const ADVANCE_PX = 0.60205 * FONT_PX;
/** Pixels of the picture for each of the page's. */
export const SCALE = 2;
/** A place of the terminal: whole pixels of the picture, so that grounds have no seams. */
const PLACE_PX = 8.5;
const LINE_PX = 16;

/** A captured terminal as a page that looks like it: every run stands where its cells are. */
export function terminalPage(captured: string, columns: number): string {
  const lines = runsOf(captured.replace(/\n$/, ''));
  const width = columns * PLACE_PX;
  const body = lines.map((runs, row) => lineHtml(runs, row * LINE_PX)).join('\n');
  return `<!doctype html>
<meta charset="utf-8">
<style>
  html { background: ${GROUND}; }
  body { margin: 0; padding: 10px 12px; width: max-content; }
  .screen { position: relative; width: ${width.toFixed(2)}px; height: ${lines.length * LINE_PX}px; }
  span { position: absolute; white-space: pre; font: ${FONT_PX}px "DejaVu Sans Mono", monospace; line-height: ${LINE_PX}px;
    height: ${LINE_PX}px; overflow: hidden; font-variant-ligatures: none; letter-spacing: ${(PLACE_PX - ADVANCE_PX).toFixed(4)}px; }
</style>
<div class="screen">
${body}
</div>
`;
}

function lineHtml(runs: readonly Run[], top: number): string {
  let column = 0;
  // Blocks are drawn one by one, as grounds: a font's leave hairlines between them.
  const parts = runs.flatMap(({ text, look }) =>
    (text.match(/[\u2581-\u258f]|[^\u2581-\u258f]+/gu) ?? []).map((part) => ({ text: part, look })),
  );
  return parts
    .map(({ text, look }) => {
      const left = column * PLACE_PX;
      const places = [...text].length;
      column += places;
      if (text.trim() === '' && !look.reverse && look.background === undefined) return '';
      const block = blockStyle(text, look);
      const style = `left:${left.toFixed(3)}px;top:${top}px;width:${(places * PLACE_PX).toFixed(3)}px;${block ?? styleOf(look)}`;
      return `<span style="${style}">${block === undefined ? escaped(text) : ''}</span>`;
    })
    .join('');
}

/** Unicode's blocks: U+2581 to U+2588 fill eighths from below, U+2589 to U+258F seven eighths and fewer from the left. */
function blockStyle(text: string, look: Look): string | undefined {
  const code = text.codePointAt(0)!;
  if (code < 0x2581 || code > 0x258f) return undefined;
  const colour = look.foreground === undefined ? TEXT : COLOURS[look.foreground]!;
  const [towards, eighths] = code <= 0x2588 ? ['to top', code - 0x2580] : ['to right', 0x2590 - code];
  const share = `${(eighths * 12.5).toFixed(1)}%`;
  return `background:linear-gradient(${towards}, ${colour} ${share}, transparent ${share})`;
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
