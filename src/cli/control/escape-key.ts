import { GpuvmError } from '../../errors.js';

/** Control characters lie 64 below the letter or sign that is pressed with Ctrl. */
const CONTROL = 0x40;

/** Lets every key pass but the one that leaves. */
export class EscapeKey {
  readonly #key: number | undefined;
  readonly #leave: () => void;

  constructor(key: number | undefined, leave: () => void) {
    this.#key = key;
    this.#leave = leave;
  }

  pass(chunk: Uint8Array): Uint8Array {
    const at = this.#key === undefined ? -1 : chunk.indexOf(this.#key);
    if (at < 0) return chunk;
    this.#leave();
    return chunk.subarray(0, at);
  }
}

/** `^]` or `^a`: the key's byte; undefined for `none`. Throws GPUVM_USAGE for anything else. */
export function parseKey(text: string): number | undefined {
  if (text === 'none') return undefined;
  const byte = text.length === 2 && text[0] === '^' ? text[1]!.toUpperCase().charCodeAt(0) - CONTROL : -1;
  if (byte > 0 && byte < 0x20) return byte;
  throw new GpuvmError(
    'GPUVM_USAGE',
    `--escape ${JSON.stringify(text)} is no key with Ctrl: write ^] or ^a, or none`,
  );
}

/** As it stands on a keyboard: `Ctrl-]`. */
export function keyName(byte: number): string {
  return `Ctrl-${String.fromCharCode(byte + CONTROL)}`;
}
