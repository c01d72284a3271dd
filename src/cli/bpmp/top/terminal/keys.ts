import { StringDecoder } from 'node:string_decoder';

/** What terminals send for keys that are no character: after ECMA-48 and xterm's "PC-style function keys". */
const SEQUENCES: Readonly<Record<string, string>> = {
  '[A': 'up',
  '[B': 'down',
  '[C': 'right',
  '[D': 'left',
  OA: 'up',
  OB: 'down',
  OC: 'right',
  OD: 'left',
  '[H': 'home',
  '[F': 'end',
  OH: 'home',
  OF: 'end',
  '[1~': 'home',
  '[4~': 'end',
  '[7~': 'home',
  '[8~': 'end',
  '[5~': 'pageup',
  '[6~': 'pagedown',
  '[3~': 'delete',
  '[Z': 'shift-tab',
};
const CONTROLS: Readonly<Record<string, string>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\u007f': 'backspace',
  '\b': 'backspace',
};
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a terminal sends
const SEQUENCE = /^\u001b(\[[0-?]*[ -/]*[@-~]|O[ -~])/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const BEGUN = /^\u001b(\[[0-?]*|O)?$/;

/**
 * The keys of what a terminal sends: names such as `up` and `ctrl-c`, characters as they are. A sequence may come in
 * pieces; `flush` is to be called when nothing has followed for a while, as a lone Escape is its own beginning.
 */
export class KeyReader {
  readonly #decoder = new StringDecoder('utf8');
  #open = '';

  /** Whether something has begun that may go on. */
  get isOpen(): boolean {
    return this.#open !== '';
  }

  read(chunk: Uint8Array): string[] {
    let text = this.#open + this.#decoder.write(Buffer.from(chunk));
    this.#open = '';
    const keys: string[] = [];
    while (text !== '') {
      if (BEGUN.test(text)) {
        this.#open = text;
        break;
      }
      const sequence = SEQUENCE.exec(text);
      if (sequence) {
        const name = SEQUENCES[sequence[1]!];
        if (name !== undefined) keys.push(name);
        text = text.slice(sequence[0].length);
        continue;
      }
      const character = String.fromCodePoint(text.codePointAt(0)!);
      keys.push(nameOf(character));
      text = text.slice(character.length);
    }
    return keys;
  }

  flush(): string[] {
    const open = this.#open;
    this.#open = '';
    return open === '' ? [] : ['escape', ...[...open.slice(1)]];
  }
}

function nameOf(character: string): string {
  if (character === '\u001b') return 'escape';
  const code = character.charCodeAt(0);
  return CONTROLS[character] ?? (code < 0x20 ? `ctrl-${String.fromCharCode(code + 0x60)}` : character);
}
