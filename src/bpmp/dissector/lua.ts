/** A value by its name. */
export class Reference {
  constructor(readonly name: string) {}
}

/** A value as Lua writes it; `undefined` members are left out. */
export type LuaValue =
  | string
  | number
  | boolean
  | Reference
  | readonly LuaValue[]
  | ReadonlyMap<number, LuaValue>
  | { readonly [key: string]: LuaValue | undefined };

function text(value: string): string {
  return `"${value.replace(/["\\\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))}"`;
}

/** The shortest constructor of a value. */
export function lua(value: LuaValue): string {
  if (typeof value === 'string') return text(value);
  if (typeof value !== 'object') return String(value);
  if (value instanceof Reference) return value.name;
  if (Array.isArray(value)) return `{${value.map(lua).join(',')}}`;
  if (value instanceof Map)
    return `{${[...(value as ReadonlyMap<number, LuaValue>)].map(([key, inner]) => `[${key}]=${lua(inner)}`).join(',')}}`;
  const members = Object.entries(value as Readonly<Record<string, LuaValue | undefined>>);
  return `{${members.flatMap(([key, inner]) => (inner === undefined ? [] : [`${key}=${lua(inner)}`])).join(',')}}`;
}
