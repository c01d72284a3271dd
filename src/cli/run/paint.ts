/** Colour, where the stream may have it; else the text as it is. */
export interface Paint {
  faint(text: string): string;
  bold(text: string): string;
  /** A verdict in eight columns. */
  verdict(verdict: 'allow' | 'deny' | 'absorb' | 'malformed'): string;
}

const colours = { allow: 32, deny: 31, absorb: 33, malformed: 35 } as const;

export function paintFor(colour: boolean): Paint {
  const wrap = (code: number, text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  return {
    faint: (text) => wrap(2, text),
    bold: (text) => wrap(1, text),
    // Malformed has nine letters, one more than the column: it is cut, never misaligned.
    verdict: (verdict) => wrap(colours[verdict], (verdict === 'malformed' ? 'malform.' : verdict).padEnd(8)),
  };
}
