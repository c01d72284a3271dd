import type { Item, ListItem } from './items.js';
import { fromHex, hex, isLatin1, latin1 } from './text.js';
import type { Context, Value, Values } from './value.js';

/** An item at its place. */
export interface Placed<I extends Item = Item> {
  readonly item: I;
  readonly offset: number;
}

export interface ReadResult {
  readonly values: Values;
  /** Why the bytes are not this struct: "needs 16 bytes, got 8". */
  readonly problem?: string;
}

/** Raised by `write`: which field, and what it should be. */
export class FieldError extends Error {
  constructor(
    readonly field: string,
    readonly wanted: string,
  ) {
    super(`${field} must be ${wanted}`);
  }
}

function sizeOf(item: Item): number {
  if (item.item === 'skip') return item.size;
  if (item.item === 'string') return item.max;
  return item.item === 'list' ? item.max * item.element.size : item.type.size;
}

/** A packed little-endian struct of the header as a table of its pieces, read and written by that table alone. */
export class Struct {
  readonly placed: readonly Placed[];
  /** Bytes of the whole struct. */
  readonly size: number;
  /** Bytes that are there whatever the counts say. */
  readonly fixedSize: number;
  readonly list: Placed<ListItem> | undefined;
  /** Where the list's count is. */
  readonly count: Placed<Extract<Item, { item: 'count' }>> | undefined;
  readonly string: Placed<Extract<Item, { item: 'string' }>> | undefined;

  constructor(items: readonly Item[]) {
    let offset = 0;
    let fixed = 0;
    this.placed = items.map((item) => {
      const at = { item, offset };
      offset += sizeOf(item);
      if (item.item === 'list' ? item.whole : item.item !== 'string') fixed = offset;
      return at;
    });
    this.size = offset;
    this.fixedSize = fixed;
    this.list = this.placed.find((at): at is Placed<ListItem> => at.item.item === 'list');
    this.count = this.placed.find(
      (at): at is Placed<Extract<Item, { item: 'count' }>> =>
        at.item.item === 'count' && at.item.name === this.list?.item.count,
    );
    this.string = this.placed.find(
      (at): at is Placed<Extract<Item, { item: 'string' }>> => at.item.item === 'string',
    );
  }

  /** What is in the bytes. Fields beyond their end are left out; a list or string must be there whole. */
  read(bytes: Uint8Array, names: Context['names']): ReadResult {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values: Record<string, Value> = {};
    const context: Context = { names, parent: values };
    for (const at of this.placed) {
      const { item, offset } = at;
      if (item.item === 'field') {
        if (offset + item.type.size > bytes.length) break;
        values[item.name] = item.type.read(view, offset, context);
      } else if (item.item === 'string') {
        const room = bytes.subarray(offset, offset + item.max);
        const end = room.indexOf(0);
        if (end < 0) return { values, problem: `${item.name} has no NUL within its ${room.length} bytes` };
        values[item.name] = latin1(room.subarray(0, end));
      } else if (item.item === 'list') {
        const problem = this.#readList(at as Placed<ListItem>, view, values, context);
        if (problem !== undefined) return { values, problem };
      }
    }
    return { values };
  }

  #readList(
    { item, offset }: Placed<ListItem>,
    view: DataView,
    values: Record<string, Value>,
    context: Context,
  ) {
    const counter = this.count!;
    if (counter.offset + counter.item.type.size > view.byteLength) return undefined;
    const length = counter.item.type.read(view, counter.offset, context) as number;
    if (length > item.max) return `${item.count} ${length} is more than ${item.max}`;
    const end = offset + length * item.element.size;
    if (end > view.byteLength)
      return `needs ${end} bytes for ${item.count} ${length}, got ${view.byteLength}`;
    if (item.as === 'values') {
      values[item.name] = Array.from({ length }, (_, index) =>
        item.element.read(view, offset + index * item.element.size, context),
      );
    } else {
      const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, length);
      values[item.name] = item.as === 'text' ? latin1(bytes) : hex(bytes);
    }
    return undefined;
  }

  /**
   * The values' bytes, as few as hold them; never fewer than `minimum`. A field that is missing ends them where that
   * is beyond the minimum. Throws FieldError.
   */
  write(values: Readonly<Record<string, unknown>>, names: Context['names'], minimum: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(this.size, minimum));
    const view = new DataView(bytes.buffer);
    const context: Context = { names, parent: values };
    let end = 0;
    for (const { item, offset } of this.placed) {
      if (item.item === 'skip' || item.item === 'count') {
        end = Math.max(end, offset + sizeOf(item));
        continue;
      }
      const value = values[item.name];
      if (value === undefined) {
        const isLast = this.placed.every(
          (later) =>
            later.offset <= offset || !('name' in later.item) || values[later.item.name] === undefined,
        );
        if (isLast && item.item === 'field' && offset + item.type.size > minimum) break;
        throw new FieldError(
          item.name,
          `given: ${item.item === 'field' ? item.type.kind : 'a text or a list'}`,
        );
      }
      if (item.item === 'field') {
        attempt(item.name, () => item.type.write(view, offset, value, context));
        end = offset + item.type.size;
      } else if (item.item === 'string') {
        const wanted = `a text of at most ${item.max - 1} bytes without NUL`;
        if (!isLatin1(value) || value.length >= item.max || value.includes('\0')) {
          throw new FieldError(item.name, wanted);
        }
        bytes.set(Buffer.from(value, 'latin1'), offset);
        end = offset + value.length + 1;
      } else {
        const length = writeList(item, offset, value, view, context);
        const counter = this.count!;
        counter.item.type.write(view, counter.offset, length, context);
        const last = offset + (item.whole ? item.max : length) * item.element.size;
        end = Math.max(end, last, counter.offset + counter.item.type.size);
      }
    }
    return bytes.slice(0, Math.max(end, minimum));
  }
}

function attempt(name: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    if (error instanceof RangeError) throw new FieldError(name, error.message);
    throw error;
  }
}

/** Writes the entries and answers how many there are. */
function writeList(item: ListItem, offset: number, value: unknown, view: DataView, context: Context): number {
  if (item.as === 'values') {
    if (!Array.isArray(value) || value.length > item.max) {
      throw new FieldError(item.name, `a list of at most ${item.max} entries`);
    }
    value.forEach((entry, index) => {
      attempt(`${item.name}[${index}]`, () =>
        item.element.write(view, offset + index * item.element.size, entry, context),
      );
    });
    return value.length;
  }
  const bytes =
    item.as === 'hex' ? fromHex(value) : isLatin1(value) ? Buffer.from(value, 'latin1') : undefined;
  if (bytes === undefined || bytes.length > item.max) {
    throw new FieldError(
      item.name,
      `${item.as === 'hex' ? 'hexadecimal digits' : 'a text'} for at most ${item.max} bytes`,
    );
  }
  new Uint8Array(view.buffer, view.byteOffset + offset, bytes.length).set(bytes);
  return bytes.length;
}
