/** One directive of a unit file; `value` is as systemd reads it, specifiers and quotes included. */
export type Directive = readonly [key: string, value: string];

/** Directives that belong together, with what they are for. */
export interface Paragraph {
  readonly comment: string;
  readonly directives: readonly Directive[];
}

export interface Section {
  readonly name: string;
  readonly paragraphs: readonly Paragraph[];
}

const WIDTH = 110;

/** A unit file. */
export function unitText(head: string, sections: readonly Section[]): string {
  const text = sections.map(({ name, paragraphs }) => {
    const body = paragraphs
      .filter(({ directives }) => directives.length > 0)
      .map(({ comment, directives }) =>
        [...commentLines(comment), ...directives.map(([key, value]) => `${key}=${value}`)].join('\n'),
      );
    return `[${name}]\n${body.join('\n\n')}\n`;
  });
  return `${commentLines(head).join('\n')}\n\n${text.join('\n')}`;
}

function commentLines(text: string): string[] {
  const lines: string[] = [];
  let line = '#';
  for (const word of text.split(/\s+/)) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

/** Text that holds no specifier, for any directive. */
export function literal(text: string): string {
  return text.replaceAll('%', '%%');
}

/** One word of a directive that takes several: quoted where it must be, `%` meant as it is. */
export function word(text: string): string {
  return quoted(literal(text));
}

/** One word of a command line, in which `$` has a meaning too. */
export function commandWord(text: string): string {
  return quoted(literal(text).replaceAll('$', '$$$$'));
}

function quoted(text: string): string {
  if (/^[^\s"'\\;]+$/.test(text)) return text;
  const escaped = text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t');
  return `"${escaped}"`;
}
