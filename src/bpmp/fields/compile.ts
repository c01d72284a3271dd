import type { CommandInfo, Layout, Struct, Type } from '../wire/index.js';
import type { Node, NumberNode, Plan, Step } from './plan.js';
import { type Kind, namer, type Place, type Registry, type Side } from './registry.js';

type NumberLayout = NumberNode['layout'];

/** What the surrounding struct has to say to a value in it. */
interface Scope {
  readonly registry: Registry;
  readonly struct: Struct;
}

function kindOf(layout: NumberLayout): Kind {
  const integer = layout.form === 'integer' ? layout : layout.integer;
  return {
    type: integer.signed ? 'int' : 'uint',
    wide: integer.size === 8,
    unit: integer.unit,
    numbers: layout.form === 'choice' ? layout.numbers : undefined,
    source: layout.form === 'named' ? layout.source : undefined,
  };
}

function numberNode(layout: NumberLayout, place: Place, { registry }: Scope): Node {
  const kind = kindOf(layout);
  const field = registry.field(place, kind);
  const nameOf = namer(kind);
  return {
    node: 'number',
    layout,
    field,
    name: nameOf && { field: registry.nameField(field, place, kind), nameOf },
    bits:
      layout.form === 'flags'
        ? Object.entries(layout.bits).map(([name, bit]) => ({
            field: registry.field({ ...place, path: [...place.path, name] }, { type: 'bool', bit }),
            bit,
          }))
        : [],
  };
}

/** The numbers that select a union's members: the field that names them is a choice of the same struct. */
function variantNode(layout: Extract<Layout, { form: 'variant' }>, place: Place, scope: Scope): Node {
  const by = scope.struct.placed.find(({ item }) => 'name' in item && item.name === layout.by);
  if (by?.item.item !== 'field' || by.item.type.layout.form !== 'choice')
    throw new TypeError(`${place.info.title}: ${layout.by} selects a member, but is no choice of its struct`);
  const { numbers } = by.item.type.layout;
  return {
    node: 'variant',
    offset: by.offset,
    size: by.item.type.size,
    members: new Map(
      Object.entries(layout.members).map(([name, type]) => [numbers[name]!, nodeOf(type, place, scope)]),
    ),
    others: nodeOf(layout.others, place, scope),
  };
}

function nodeOf(type: Type, place: Place, scope: Scope): Node {
  const { layout } = type;
  switch (layout.form) {
    case 'float':
      return { node: 'float', field: scope.registry.field(place, { type: 'float' }) };
    case 'text':
      return { node: 'text', field: scope.registry.field(place, { type: 'string' }), size: type.size };
    case 'record': {
      let offset = 0;
      const parts = Object.entries(layout.fields).map(([name, inner]) => {
        const node = nodeOf(inner, { ...place, path: [...place.path, name] }, scope);
        offset += inner.size;
        return { name, offset: offset - inner.size, node };
      });
      return { node: 'record', parts };
    }
    case 'array': {
      const element = nodeOf(layout.element, place, scope);
      return { node: 'array', element, size: layout.element.size, length: layout.length };
    }
    case 'variant':
      return variantNode(layout, place, scope);
    default:
      return numberNode(layout, place, scope);
  }
}

/** How one command's request or reply becomes values of fields. */
export function compilePlan(info: CommandInfo, side: Side, registry: Registry): Plan {
  const struct = info[side];
  const scope = { registry, struct };
  const steps: Step[] = [];
  for (const { item, offset } of struct.placed) {
    if (item.item === 'skip' || item.item === 'count') continue;
    const isId = side === 'request' && item.item === 'field' && item.type.resource !== undefined;
    const resource = isId && offset === info.idOffset ? info.idKind : undefined;
    const place: Place = { info, side, path: [item.name], resource };
    if (item.item === 'field') {
      steps.push({ step: 'value', item, offset, node: nodeOf(item.type, place, scope) });
    } else if (item.item === 'string') {
      steps.push({ step: 'string', item, offset, field: registry.field(place, { type: 'string' }) });
    } else {
      const { count } = struct;
      const size = count!.item.type.size;
      const counted = registry.field({ ...place, path: [item.count] }, { type: 'uint' });
      const content =
        item.as === 'values'
          ? { node: nodeOf(item.element, place, scope) }
          : { field: registry.field(place, { type: item.as === 'text' ? 'string' : 'bytes' }) };
      steps.push({
        step: 'list',
        item,
        offset,
        count: { field: counted, offset: count!.offset, size },
        content,
      });
    }
  }
  return steps;
}
