import { Lexer, Parser } from 'yaml';

/** What the parser keeps of a collection that has not ended; a VM file needs a dozen. */
const MAX_OPEN = 100;

/**
 * Where a YAML text is nested deeper than any VM file, as an offset; undefined where it is not. What reads a document
 * goes down a call or more for each bracket, and a stack that runs out there can take the whole process along.
 */
export function tooDeepAt(text: string): number | undefined {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    // The documents themselves are of no interest yet.
    for (const _document of parser.next(lexeme));
    if (parser.stack.length > MAX_OPEN) return parser.offset;
  }
  return undefined;
}
