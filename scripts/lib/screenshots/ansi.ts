/** How a cell of a terminal looks; colours are the sixteen by number. */
export interface Look {
  readonly bold: boolean;
  readonly faint: boolean;
  readonly reverse: boolean;
  readonly underline: boolean;
  readonly foreground: number | undefined;
  readonly background: number | undefined;
}

export interface Run {
  readonly text: string;
  readonly look: Look;
}

export const plain: Look = {
  bold: false,
  faint: false,
  reverse: false,
  underline: false,
  foreground: undefined,
  background: undefined,
};

/** The lines of `tmux capture-pane -e -p`: text with SGR sequences, which go on from line to line. */
export function runsOf(captured: string): Run[][] {
  let look = plain;
  return captured.split('\n').map((line) => {
    const runs: Run[] = [];
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a terminal is sent
    for (const part of line.split(/(\u001b\[[0-9;]*m)/)) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
      const codes = /^\u001b\[([0-9;]*)m$/.exec(part)?.[1];
      if (codes !== undefined) look = codes.split(';').map(Number).reduce(applied, look);
      else if (part !== '') runs.push({ text: part, look });
    }
    return runs;
  });
}

/** One parameter of SGR (ECMA-48, 8.3.117), as far as tmux sends them for sixteen colours. */
function applied(look: Look, code: number): Look {
  if (code === 0) return plain;
  if (code === 1) return { ...look, bold: true };
  if (code === 2) return { ...look, faint: true };
  if (code === 4) return { ...look, underline: true };
  if (code === 7) return { ...look, reverse: true };
  if (code === 22) return { ...look, bold: false, faint: false };
  if (code === 24) return { ...look, underline: false };
  if (code === 27) return { ...look, reverse: false };
  if (code === 39) return { ...look, foreground: undefined };
  if (code === 49) return { ...look, background: undefined };
  if (code >= 30 && code <= 37) return { ...look, foreground: code - 30 };
  if (code >= 90 && code <= 97) return { ...look, foreground: code - 90 + 8 };
  if (code >= 40 && code <= 47) return { ...look, background: code - 40 };
  if (code >= 100 && code <= 107) return { ...look, background: code - 100 + 8 };
  return look;
}
