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

  static compare(a: Uint8Array, b: Uint8Array): number {
    const length = Math.min(a.length, b.length);
    for (let at = 0; at < length; at++) if (a[at] !== b[at]) return a[at]! - b[at]!;
    return a.length - b.length;
  }

  /** Where a byte is first, or bytes one after another; -1 where they are not. */
  override indexOf(part: number | Uint8Array, from = 0): number {
    if (typeof part === 'number') return super.indexOf(part, from);
    for (let at = from; at + part.length <= this.length; at++)
      if (part.every((byte, index) => this[at + index] === byte)) return at;
    return -1;
  }

  override includes(part: number | Uint8Array): boolean {
    return this.indexOf(part) >= 0;
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
