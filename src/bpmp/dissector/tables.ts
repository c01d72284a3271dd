import {
  type CommandPlans,
  commandPlans,
  type Field,
  fields,
  type Node,
  type NumberNode,
  type Plan,
  type Step,
} from '../fields/index.js';
import { tegra234 } from '../tegra234/index.js';
import { BpmpError, Mrq, mrqs, type NameSource, unitScales, withoutUnit } from '../wire/index.js';
import { type LuaValue, lua, Reference } from './lua.js';

const fieldNumbers = new Map(fields.map((field, index) => [field, index + 1]));

function numberOf(field: Field): number {
  return fieldNumbers.get(field)!;
}

const kinds = { uint: 'u', int: 'i', string: 's', bytes: 'y', float: 'f', time: 't', bool: 'b' } as const;

/** Flags of the record's header. */
const headerBits: Readonly<Record<string, string>> = { 'bpmp.hidden': 'b16:0', 'bpmp.observed': 'b16:1' };

/** Fields that are 64-bit in a packet's header, though numbers to us. */
const wideInHeader = new Set(['bpmp.sequence', 'bpmp.latency']);

/** The tables that the Lua program reads: numbered fields, names, nodes and plans, each thing once. */
export class Tables {
  readonly #names = new Map<string, string>();
  readonly #nodes = new Map<string, number>();
  readonly #bits = new Map<Field, string>();
  readonly #families: string[] = [];

  constructor() {
    for (const family of mrqs.values()) {
      const commands = commandPlans.filter(({ info }) => info.mrq === family.number);
      const place = { none: undefined, word: 'w', 'word-with-clock': 'c', 'half-word-with-lane': 'h' }[
        family.place
      ];
      const entries = commands.map((plans) => `[${plans.info.number}]=${this.#command(plans)}`);
      const head = lua({ n: family.name, p: place }).slice(1, -1);
      this.#families.push(`M[${family.number}]={${head},\n${entries.join(',\n')}}`);
    }
  }

  text(): string {
    const names = [...this.#names].map(([list, name]) => `${name}=names[[${list}]]`);
    return [
      `local FIELDS=[[\n${fields.map((field) => this.#line(field)).join('\n')}\n]]`,
      `local SCALES=${lua(unitScales)}`,
      'local function names(list)',
      '  local byNumber = {}',
      '  for number, name in list:gmatch("(%-?%d+)=(%S+)") do byNumber[tonumber(number)] = name end',
      '  return byNumber',
      'end',
      `local RETURNS=names[[${list(Object.entries(BpmpError))}]]`,
      'local T={}',
      ...names.map((line) => `T.${line}`),
      `local N={\n${[...this.#nodes.keys()].join(',\n')}}`,
      'local M={}',
      ...this.#families,
    ].join('\n');
  }

  #line(field: Field): string {
    const wide = field.wide || wideInHeader.has(field.name);
    const plain = wide ? kinds[field.type].toUpperCase() : kinds[field.type];
    const kind = headerBits[field.name] ?? this.#bits.get(field) ?? plain;
    if (kind === 'b') throw new TypeError(`${field.name} is a bit of nothing`);
    return [kind, field.name.replace(/^bpmp\./, ''), field.label, field.meaning].join('\t');
  }

  #command({ info, request, reply }: CommandPlans): string {
    for (const step of request) {
      if (step.step === 'list' && step.count.offset + step.count.size > info.minimum)
        throw new TypeError(`${info.title}: a request may end before its count`);
    }
    return lua({
      n: info.name,
      m: info.minimum,
      i: info.idKind === undefined ? undefined : [info.idKind, info.idOffset, info.idSize],
      q: this.#plan(request),
      r: this.#plan(reply),
      x: info.reply.fixedSize,
    });
  }

  #plan(plan: Plan): LuaValue {
    return plan.map((step) => this.#step(step));
  }

  #step(step: Step): LuaValue {
    const { offset, item } = step;
    if (step.step === 'string')
      return { k: 'S', o: offset, m: step.item.max, f: numberOf(step.field), w: item.name };
    if (step.step === 'list') {
      const { count, content } = step;
      return {
        k: 'L',
        o: offset,
        e: step.item.element.size,
        m: step.item.max,
        c: [numberOf(count.field), count.offset, count.size],
        w: step.item.count,
        q: `${item.name}=`,
        ...('node' in content ? { n: this.#node(content.node) } : { f: numberOf(content.field) }),
        h: step.item.as === 'hex' ? true : undefined,
      };
    }
    // What speaks for itself needs no name in front, unless its unit was in its name.
    const short = withoutUnit(item.name);
    return {
      k: 'V',
      o: offset,
      s: step.item.type.size,
      n: this.#node(step.node),
      p: short === item.name || short === 'rate' ? '' : `${short}=`,
      q: `${item.name}=`,
    };
  }

  /** The node's number in the list of nodes. */
  #node(node: Node): number {
    const written = lua(this.#nodeValue(node));
    const known = this.#nodes.get(written);
    if (known !== undefined) return known;
    this.#nodes.set(written, this.#nodes.size + 1);
    return this.#nodes.size;
  }

  #nodeValue(node: Node): LuaValue {
    switch (node.node) {
      case 'number':
        return this.#number(node);
      case 'float':
        return { k: 'f', f: numberOf(node.field) };
      case 'text':
        return { k: 't', f: numberOf(node.field), s: node.size };
      case 'record':
        return {
          k: 'r',
          p: node.parts.map(({ name, offset, node: part }) => [name, offset, this.#node(part)]),
        };
      case 'array':
        return { k: 'a', e: this.#node(node.element), s: node.size, l: node.length };
      case 'variant':
        return {
          k: 'v',
          o: node.offset,
          s: node.size,
          m: new Map([...node.members].map(([number, member]) => [number, this.#node(member)])),
          x: this.#node(node.others),
        };
    }
  }

  #number({ layout, field, name, bits }: NumberNode): LuaValue {
    const integer = layout.form === 'integer' ? layout : layout.integer;
    for (const { field: bit, bit: mask } of bits)
      this.#bits.set(bit, `b${integer.size * 8}:${Math.log2(mask)}`);
    const flags = layout.form === 'flags' ? Object.keys(layout.bits) : [];
    return {
      k: 'n',
      s: integer.size,
      g: integer.signed || undefined,
      f: numberOf(field),
      u: integer.unit,
      n: name && numberOf(name.field),
      c: layout.form === 'choice' || undefined,
      t:
        layout.form === 'choice'
          ? this.#table(layout.numbers)
          : layout.form === 'named'
            ? this.#source(layout.source)
            : undefined,
      b:
        flags.length === 0
          ? undefined
          : bits.map(({ field: bit, bit: mask }, index) => [numberOf(bit), mask, flags[index]!]),
    };
  }

  #table(numbers: Readonly<Record<string, number>>): LuaValue {
    return this.#named(list(Object.entries(numbers)));
  }

  #source(source: NameSource): LuaValue {
    if (source === 'mrqs') return this.#table(Mrq);
    const names = tegra234[source];
    return this.#named(list(names.ids.map((id) => [names.nameOf(id)!, id])));
  }

  #named(entries: string): LuaValue {
    const name = this.#names.get(entries) ?? `t${this.#names.size + 1}`;
    this.#names.set(entries, name);
    return new Reference(`T.${name}`);
  }
}

function list(entries: readonly (readonly [string, number])[]): string {
  return entries.map(([name, number]) => `${number}=${name}`).join(' ');
}
