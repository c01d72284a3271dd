import type { Edit } from './ui.js';

/** A longer filter is a mistake, and every key costs its length. */
const MOST = 1000;

/** One key in a line that is being written; `mistake` is gone with the next key. */
export function edited({ text, cursor }: Edit, key: string): Edit {
  const at = (place: number) => ({ text, cursor: Math.max(0, Math.min(text.length, place)) });
  const without = (from: number, to: number) => ({
    text: text.slice(0, from) + text.slice(to),
    cursor: from,
  });
  switch (key) {
    case 'left':
    case 'ctrl-b':
      return at(cursor - 1);
    case 'right':
    case 'ctrl-f':
      return at(cursor + 1);
    case 'home':
    case 'ctrl-a':
      return at(0);
    case 'end':
    case 'ctrl-e':
      return at(text.length);
    case 'backspace':
      return cursor === 0 ? at(0) : without(cursor - 1, cursor);
    case 'delete':
    case 'ctrl-d':
      return without(cursor, Math.min(text.length, cursor + 1));
    case 'ctrl-u':
      return without(0, cursor);
    case 'ctrl-k':
      return without(cursor, text.length);
    case 'ctrl-w':
      return without(text.slice(0, cursor).replace(/\S+\s*$/, '').length, cursor);
    default: {
      const isCharacter = [...key].length === 1;
      if (!isCharacter || text.length + key.length > MOST) return { text, cursor };
      return { text: text.slice(0, cursor) + key + text.slice(cursor), cursor: cursor + key.length };
    }
  }
}
