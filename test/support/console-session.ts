/**
 * Examples of a page that are a console's: indented lines, of which `$ ` begins a command and what follows is what it
 * prints. An ellipsis stands for anything within a line, and on a line of its own for any number of lines.
 */
export interface ConsoleCommand {
  /** Of the page, from 1. */
  readonly line: number;
  /** As a shell takes it; lines that end with a backslash are joined. */
  readonly command: string;
  /** What the page says that it prints, without the indentation. */
  readonly printed: readonly string[];
}

const INDENTATION = '    ';

export function commandsOf(page: string): ConsoleCommand[] {
  const commands: { line: number; command: string; printed: string[] }[] = [];
  let open: { line: number; command: string; printed: string[] } | undefined;
  let isContinued = false;
  page.split('\n').forEach((text, index) => {
    if (!text.startsWith(INDENTATION)) {
      // A blank line within an example is the example's where another indented one follows it.
      if (text !== '') open = undefined;
      else open?.printed.push('');
      return;
    }
    const line = text.slice(INDENTATION.length);
    if (isContinued && open) {
      open.command = `${open.command.slice(0, -1)} ${line.trim()}`;
    } else if (line.startsWith('$ ')) {
      open = { line: index + 1, command: line.slice(2), printed: [] };
      commands.push(open);
    } else open?.printed.push(line);
    isContinued = open !== undefined && open.printed.length === 0 && line.endsWith('\\');
  });
  for (const { printed } of commands) while (printed.at(-1) === '') printed.pop();
  return commands;
}

/**
 * The first line of a page's example that the output does not have at its place; undefined where it has all. Lines must
 * follow each other as on the page, but for what an ellipsis stands for.
 */
export function missingFrom(output: string, printed: readonly string[]): string | undefined {
  const lines = output.replaceAll('\r', '').split('\n');
  let at = 0;
  // What comes before the first line of an example is shown nowhere else either.
  let mayJump = true;
  for (const wanted of printed) {
    if (wanted.trim() === '…') {
      mayJump = true;
      continue;
    }
    const pattern = patternOf(wanted);
    const found = lines.findIndex((line, index) => index >= at && pattern.test(line.trimEnd()));
    if (found < 0 || (!mayJump && found !== at)) return wanted;
    at = found + 1;
    mayJump = false;
  }
  return undefined;
}

function patternOf(line: string): RegExp {
  const parts = line.trimEnd().split('…');
  return new RegExp(`^${parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('.*')}$`);
}
