/** Rows under a heading, as wide as what is in them; numbers to the right. */
export function table(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  rightAligned: readonly number[] = [],
): string[] {
  const all = [heading, ...rows];
  const widths = heading.map((_, at) => all.reduce((widest, row) => Math.max(widest, row[at]!.length), 0));
  return all.map((row) =>
    row
      .map((cell, at) => (rightAligned.includes(at) ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!)))
      .join('  ')
      .trimEnd(),
  );
}
