import type { Context, Type, Value } from './value.js';

type Fields = Readonly<Record<string, Type>>;

/** A struct within a struct; `1:500` on a command line is its fields in order. */
export function record(fields: Fields): Type {
  const entries = Object.entries(fields);
  const size = entries.reduce((sum, [, type]) => sum + type.size, 0);
  const kind = `an object with ${Object.keys(fields).join(', ')}`;
  return {
    size,
    kind,
    layout: { form: 'record', fields },
    read(view, offset, context) {
      const values: Record<string, Value> = {};
      let at = offset;
      for (const [name, type] of entries) {
        values[name] = type.read(view, at, context);
        at += type.size;
      }
      return values;
    },
    write(view, offset, value, context) {
      if (typeof value !== 'object' || value === null) throw new RangeError(kind);
      let at = offset;
      for (const [name, type] of entries) {
        const given = (value as Record<string, unknown>)[name];
        if (given === undefined) throw new RangeError(kind);
        type.write(view, at, given, context);
        at += type.size;
      }
    },
    parse(word, context) {
      const words = word.split(':');
      if (words.length !== entries.length) return undefined;
      return Object.fromEntries(
        entries.map(([name, type], index) => [name, type.parse(words[index]!, context)]),
      );
    },
  };
}

/** As many values as the header's array has; `1,2,3` on a command line, with zeros up to the end. */
export function array(element: Type, length: number): Type {
  const kind = `a list of ${length} entries`;
  return {
    size: element.size * length,
    kind,
    layout: { form: 'array', element, length },
    read: (view, offset, context) =>
      Array.from({ length }, (_, index) => element.read(view, offset + index * element.size, context)),
    write(view, offset, value, context) {
      if (!Array.isArray(value) || value.length > length) throw new RangeError(kind);
      value.forEach((entry, index) => {
        element.write(view, offset + index * element.size, entry, context);
      });
    },
    parse: (word, context) =>
      word === '' ? [] : word.split(',').map((entry) => element.parse(entry, context)),
  };
}

/**
 * A union whose member is named by the value of `by` in the surrounding struct; any other value selects `others`.
 * Bytes that the member lacks are dropped.
 */
export function variant(
  size: number,
  by: string,
  members: Readonly<Record<string, Type>>,
  others: Type,
): Type {
  const chosen = ({ parent }: Context): Type => {
    const name = String(parent[by]);
    return Object.hasOwn(members, name) ? members[name]! : others;
  };
  return {
    size,
    kind: 'one of the variants of its union',
    layout: { form: 'variant', by, members, others },
    read: (view, offset, context) => chosen(context).read(view, offset, context),
    write: (view, offset, value, context) => chosen(context).write(view, offset, value, context),
    parse: (word, context) => chosen(context).parse(word, context),
  };
}
