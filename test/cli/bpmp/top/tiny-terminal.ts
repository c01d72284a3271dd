import { placesOf } from '../../../../src/cli/bpmp/top/view/cells.js';

/** As much of a terminal as a painter may rely on: places of the cursor, SGR, clearing, characters of one place and of two. */
export class TinyTerminal {
  readonly cells: string[][];
  #row = 0;
  #column = 0;
  #look = '';

  constructor(columns: number, rows: number) {
    this.cells = Array.from({ length: rows }, () => new Array<string>(columns).fill(' '));
  }

  take(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a terminal is sent
    for (const [, parameters, final, character] of text.matchAll(/\u001b\[([0-9;]*)([A-Za-z])|(.)/gu)) {
      if (character !== undefined) this.#put(character);
      else this.#obey(parameters!, final!);
    }
  }

  #put(character: string): void {
    const line = this.cells[this.#row]!;
    // Half of a wide character cannot stay.
    if (line[this.#column] === '') line[this.#column - 1] = ' ';
    line[this.#column] = `${this.#look}${character}`;
    if (placesOf(character) === 2) line[++this.#column] = '';
    this.#column++;
    if (line[this.#column] === '') line[this.#column] = ' ';
  }

  #obey(parameters: string, final: string): void {
    const numbers = parameters.split(';').map(Number);
    if (final === 'H') [this.#row, this.#column] = [(numbers[0] || 1) - 1, (numbers[1] || 1) - 1];
    else if (final === 'J') for (const line of this.cells) line.fill(' ');
    else if (final === 'm') this.#look = parameters === '0' ? '' : `${parameters.replace(/^0;/, '')}:`;
    else throw new Error(`unknown sequence ${parameters}${final}`);
  }
}
