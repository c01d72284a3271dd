import { diffTrees, printNode, type Tree, type TreeChange, valuePrinter } from '../../devicetree/index.js';
import { NAMED } from './show.js';

/** In what two trees differ, for people and for programs. */
export interface Difference {
  readonly isEmpty: boolean;
  /** By node: what goes with `-`, what comes with `+`. */
  lines(): Iterable<string>;
  json(): object[];
}

/** `byTarget`: references are compared by what they refer to, and phandles not at all. */
export function differenceOf(before: Tree, after: Tree, byTarget: boolean): Difference {
  const changes = diffTrees(before, after, { byTarget });
  const sides = { before: sideOf(before), after: sideOf(after) };
  return {
    isEmpty: changes.length === 0,
    lines: () => lines(changes, sides),
    json: () => changes.map((change) => asJson(change, sides)),
  };
}

type Sides = Readonly<Record<'before' | 'after', Side>>;
type Side = ReturnType<typeof sideOf>;

function sideOf(tree: Tree) {
  return { tree, print: valuePrinter(tree, NAMED) };
}

function* lines(changes: readonly TreeChange[], sides: Sides): Generator<string> {
  let last: string | undefined;
  for (const change of changes) {
    if ('path' in change && 'property' in change) {
      if (change.path !== last) yield change.path;
      last = change.path;
      const text = valueLines(change.path, change.property, sides);
      if ('before' in change) yield `- ${text.before}`;
      if ('after' in change) yield `+ ${text.after}`;
      continue;
    }
    last = undefined;
    if ('path' in change) {
      const [sign, side] = change.kind === 'node-added' ? ['+', sides.after] : ['-', sides.before];
      yield change.path;
      for (const line of printNode(side.tree, change.node, NAMED).split('\n')) yield `${sign} ${line}`;
    } else if ('reservation' in change) {
      const { address, size } = change.reservation;
      const sign = change.kind === 'reservation-added' ? '+' : '-';
      yield `${sign} /memreserve/ 0x${address.toString(16)} 0x${size.toString(16)};`;
    } else {
      yield 'the CPU that boots';
      yield `- ${change.before}`;
      yield `+ ${change.after}`;
    }
  }
}

function valueLines(path: string, property: string, sides: Sides) {
  const text = ({ tree, print }: Side) => {
    const node = nodeOf(tree, path);
    if (node?.get(property) === undefined) return '';
    const value = print(node, property);
    return value === '' ? `${property};` : `${property} = ${value};`;
  };
  return { before: text(sides.before), after: text(sides.after) };
}

/** By its whole names: `findNode` takes one without its address too. */
function nodeOf({ root }: Tree, path: string) {
  let node: typeof root | undefined = root;
  for (const name of path.split('/').filter((part) => part !== '')) node = node?.child(name);
  return node;
}

function asJson(change: TreeChange, sides: Sides): object {
  if ('reservation' in change || !('path' in change)) return change;
  const { kind, path } = change;
  if ('node' in change) {
    const side = kind === 'node-added' ? sides.after : sides.before;
    return { kind, path, source: printNode(side.tree, change.node, NAMED) };
  }
  const { property } = change;
  const value = (which: 'before' | 'after', bytes: Uint8Array) => ({
    bytes: Buffer.from(bytes).toString('hex'),
    source: sides[which].print(nodeOf(sides[which].tree, path)!, property),
  });
  return {
    kind,
    path,
    property,
    ...('before' in change && { before: value('before', change.before) }),
    ...('after' in change && { after: value('after', change.after) }),
  };
}
