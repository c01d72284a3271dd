/** How deep a message may nest; QEMU's own parser takes 1024 (MAX_NESTING in qobject/json-parser-int.h). */
export const MAX_NESTING = 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Whether JSON text nests deeper than is taken, found without building anything: a parser keeps tens of bytes for each
 * open bracket, so a line of nothing but brackets would cost gigabytes before its end is seen to be missing.
 */
export function nestsTooDeep(text: string): boolean {
  // A line this short has no room for so many brackets.
  if (text.length <= MAX_NESTING) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
      if (at < 0) return false;
    }
    if (code === OPEN_ARRAY || code === OPEN_OBJECT) depth++;
    else if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) depth--;
    if (depth > MAX_NESTING) return true;
  }
  return false;
}

/** Where the string that begins at `start` ends, or -1 where it does not. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text.charCodeAt(before) === BACKSLASH) before--;
    if ((end - before) % 2 === 1) return end;
  }
  return -1;
}
