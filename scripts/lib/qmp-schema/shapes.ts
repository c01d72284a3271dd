import type { Entity, Member, NamedSchema, ObjectEntity } from './ask.js';

/** What goes to QEMU may be a bigint and is not changed; what comes from it is a number. */
export type Way = 'arguments' | 'answers';

const LONG_ENUM = 3;

/**
 * TypeScript for the types of one schema, one way. QEMU leaves the names of types out of its schema, so a type that is
 * used once is written where it is used, and one that is used again, or holds itself, is named after its first use.
 */
export class Shapes {
  /** Declarations, in the order of their first use. */
  readonly declarations: string[] = [];
  readonly #entities: ReadonlyMap<string, Entity>;
  readonly #way: Way;
  readonly #uses = new Map<string, number>();
  readonly #holdThemselves = new Set<string>();
  readonly #names = new Map<string, string>();
  readonly #taken: Set<string>;

  /** `roots` are the types that will be asked for; `taken` the names that are in use, to which new ones are added. */
  constructor(schema: NamedSchema, way: Way, roots: readonly string[], taken: Set<string>) {
    this.#entities = schema.entities;
    this.#way = way;
    this.#taken = taken;
    for (const root of roots) this.#count(root, []);
  }

  /** The type's text; `hint` names it where it needs a name. */
  of(type: string, hint: string): string {
    const named = this.#names.get(type);
    if (named !== undefined) return named;
    const entity = this.#entity(type);
    if (!this.#isNamed(entity)) return this.#text(entity, hint);
    const name = this.#freeName(hint);
    this.#names.set(type, name);
    const at = this.declarations.push('') - 1;
    this.declarations[at] = `export type ${name} = ${this.#text(entity, name)};`;
    return name;
  }

  #entity(type: string): Entity {
    const entity = this.#entities.get(type);
    if (entity === undefined) throw new Error(`the schema has no type ${type}`);
    return entity;
  }

  #count(type: string, above: readonly string[]): void {
    const seen = this.#uses.get(type) ?? 0;
    this.#uses.set(type, seen + 1);
    const entity = this.#entity(type);
    if (above.includes(type))
      this.#holdThemselves.add(entity['meta-type'] === 'array' ? entity['element-type'] : type);
    if (seen > 0) return;
    for (const below of typesBelow(entity)) this.#count(below, [...above, type]);
  }

  #isNamed(entity: Entity): boolean {
    const again = (this.#uses.get(entity.name) ?? 0) > 1;
    switch (entity['meta-type']) {
      case 'enum':
        return again && entity.members.length > LONG_ENUM;
      case 'object':
        return (
          this.#holdThemselves.has(entity.name) ||
          (again && (entity.members.length > 1 || entity.variants !== undefined))
        );
      case 'alternate':
        return again;
      default:
        return false;
    }
  }

  #freeName(hint: string): string {
    let name = hint;
    for (let number = 2; this.#taken.has(name); number++) name = `${hint}${number}`;
    this.#taken.add(name);
    return name;
  }

  #text(entity: Entity, hint: string): string {
    switch (entity['meta-type']) {
      case 'builtin':
        return builtin(entity['json-type'], this.#way);
      case 'enum':
        return literals(entity.members.map(({ name }) => name));
      case 'array': {
        const element = this.of(entity['element-type'], `${hint}Item`);
        const text = /^[\w.]+$|^\{[^{}]*\}$/.test(element) ? element : `(${element})`;
        return this.#way === 'arguments' ? `readonly ${text}[]` : `${text}[]`;
      }
      case 'alternate':
        return [
          ...new Set(entity.members.map(({ type }, index) => this.of(type, `${hint}${index + 1}`))),
        ].join(' | ');
      case 'object':
        return this.#object(entity, hint);
      default:
        throw new Error(`${entity['meta-type']} ${entity.name} is no type`);
    }
  }

  #object(entity: ObjectEntity, hint: string): string {
    const { tag, variants } = entity;
    if (tag === undefined || variants === undefined) {
      return entity.members.length === 0 ? 'Empty' : `{ ${this.#members(entity.members, hint)} }`;
    }
    const base = entity.members.filter(({ name }) => name !== tag);
    const isOptional = entity.members.some((member) => member.name === tag && 'default' in member);
    const cases = new Map<string, string[]>();
    for (const variant of variants)
      cases.set(variant.type, [...(cases.get(variant.type) ?? []), variant.case]);
    const branches = [...cases].map(([type, names]) => {
      const tagged = `${key(tag)}${isOptional ? '?' : ''}: ${literals(names)}`;
      return this.#branch(tagged, this.#entity(type), `${hint}${pascal(names[0]!)}`);
    });
    const union = branches.length === 1 ? branches[0]! : `(${branches.join(' | ')})`;
    return base.length === 0 ? union : `{ ${this.#members(base, hint)} } & ${union}`;
  }

  #branch(tagged: string, variant: Entity, hint: string): string {
    if (variant['meta-type'] !== 'object') throw new Error(`${variant.name} is no object`);
    if (variant.members.length === 0 && variant.variants === undefined) return `{ ${tagged} }`;
    if (variant.variants !== undefined || this.#isNamed(variant))
      return `({ ${tagged} } & ${this.of(variant.name, hint)})`;
    return `{ ${tagged}; ${this.#members(variant.members, hint)} }`;
  }

  #members(members: readonly Member[], hint: string): string {
    return members
      .map((member) => {
        const note = member.features?.includes('deprecated') ? '/** @deprecated */ ' : '';
        const type = this.of(member.type, `${hint}${pascal(member.name)}`);
        return `${note}${key(member.name)}${'default' in member ? '?' : ''}: ${type}`;
      })
      .join('; ');
  }
}

function typesBelow(entity: Entity): string[] {
  switch (entity['meta-type']) {
    case 'array':
      return [entity['element-type']];
    case 'alternate':
      return entity.members.map(({ type }) => type);
    case 'object': {
      const own = entity.members.filter(({ name }) => name !== entity.tag).map(({ type }) => type);
      return [...own, ...new Set((entity.variants ?? []).map(({ type }) => type))];
    }
    default:
      return [];
  }
}

function builtin(jsonType: string, way: Way): string {
  const texts: Record<string, string> = {
    string: 'string',
    int: way === 'arguments' ? 'Int' : 'number',
    number: 'number',
    boolean: 'boolean',
    null: 'null',
    value: 'unknown',
  };
  const text = texts[jsonType];
  if (text === undefined) throw new Error(`the JSON type ${jsonType} is not known`);
  return text;
}

function literals(values: readonly string[]): string {
  return values.map((value) => `'${value}'`).join(' | ');
}

/** A member's name as TypeScript takes it. */
export function key(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : `'${name}'`;
}

/** `query-cpus-fast` → `QueryCpusFast`, `BLOCK_JOB_READY` → `BlockJobReady`. */
export function pascal(name: string): string {
  return name
    .split(/[^A-Za-z0-9]+/)
    .map((word) => (/^[A-Z0-9]+$/.test(word) ? word.toLowerCase() : word))
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}
