/** Text as XML has it, in an element or in an attribute. */
export function escapedXml(text: string): string {
  return [...text]
    .map((character) => (isAllowed(character) ? character : '?'))
    .join('')
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** XML has no control characters but these three, however they are written. */
function isAllowed(character: string): boolean {
  const code = character.codePointAt(0)!;
  if (code < 0x20) return '\t\n\r'.includes(character);
  return !(code >= 0xd800 && code <= 0xdfff) && code !== 0xfffe && code !== 0xffff;
}
