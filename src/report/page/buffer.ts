/** Of Node's Buffer what the codecs use to read texts and digits, for a browser. */
class PageBuffer extends Uint8Array {
  static override from(source: unknown, encodingOrOffset?: unknown, length?: number): PageBuffer {
    if (source instanceof ArrayBuffer) return new PageBuffer(source, Number(encodingOrOffset ?? 0), length);
    if (typeof source !== 'string') return new PageBuffer(source as ArrayLike<number>);
    if (encodingOrOffset === 'hex')
      return new PageBuffer(
        (source.match(/[0-9a-f]{2}/gi) ?? []).map((digits) => Number.parseInt(digits, 16)),
      );
    if (encodingOrOffset === 'latin1')
      return new PageBuffer(Array.from(source, (character) => character.charCodeAt(0)));
    return new PageBuffer(new TextEncoder().encode(source));
  }

  override toString(encoding?: string): string {
    if (encoding === 'hex') return Array.from(this, (byte) => byte.toString(16).padStart(2, '0')).join('');
    if (encoding !== 'latin1') return new TextDecoder().decode(this);
    let text = '';
    for (const byte of this) text += String.fromCharCode(byte);
    return text;
  }
}

export { PageBuffer as Buffer };
