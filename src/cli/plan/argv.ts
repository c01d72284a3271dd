/** Words that every shell takes as they are. */
const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;
/** Characters that mean something between double quotes. */
const SPECIAL = /["$`\\!]/;

/** A word as a shell reads it back. */
export function shellWord(word: string): string {
  if (PLAIN.test(word)) return word;
  return SPECIAL.test(word) ? `'${word.replaceAll("'", `'\\''`)}'` : `"${word}"`;
}

/** A command as somebody would paste it: the program, then an option with its value on each line. */
export function shellCommand([program, ...args]: readonly string[]): string {
  const lines = [shellWord(program!)];
  for (const [index, arg] of args.entries()) {
    // A value is what follows an option and is none itself.
    const isValue = index > 0 && !arg.startsWith('-') && args[index - 1]!.startsWith('-');
    if (isValue) lines[lines.length - 1] += ` ${shellWord(arg)}`;
    else lines.push(`    ${shellWord(arg)}`);
  }
  return lines.join(' \\\n');
}
