import type { Type } from './value.js';

/** Bytes as text and back, one character each, so that nothing a guest sends is lost or changed on the way. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

export function isLatin1(text: unknown): text is string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are bytes like any other here
  return typeof text === 'string' && /^[\u0000-\u00ff]*$/.test(text);
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** The bytes of hexadecimal digits; undefined where the text is anything else. */
export function fromHex(text: unknown): Uint8Array | undefined {
  if (typeof text !== 'string' || text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

/** A text in an array of its own size: ends at its first NUL, or with the array; what follows the NUL is dropped. */
export function fixedText(size: number): Type {
  const kind = `a text of at most ${size} bytes without NUL`;
  return {
    size,
    kind,
    layout: { form: 'text' },
    read(view, offset) {
      const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, size);
      const end = bytes.indexOf(0);
      return latin1(end < 0 ? bytes : bytes.subarray(0, end));
    },
    write(view, offset, value) {
      if (!isLatin1(value) || value.length > size || value.includes('\0')) throw new RangeError(kind);
      for (let index = 0; index < value.length; index++)
        view.setUint8(offset + index, value.charCodeAt(index));
    },
    parse: (word) => word,
    show: (value) => (typeof value === 'string' ? quote(value) : undefined),
  };
}

/**
 * A guest's text made safe for a terminal and a log line: quoted, everything but printable ASCII escaped, and cut at
 * 80 characters.
 */
export function quote(text: string): string {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  const escaped = shown.replace(/[^\u0020-\u007e…]|["\\]/g, (character) => {
    if (character === '"' || character === '\\') return `\\${character}`;
    if (character === '\n') return '\\n';
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return `"${escaped}"`;
}
