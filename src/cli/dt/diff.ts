import { diffTrees, printNode, type Tree, type TreeChange, valuePrinter } from '../../devicetree/index.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { readTree } from './read-tree.js';
import { NAMED } from './show.js';

/** What it ends with where there is a difference, as diff does. */
const DIFFERENT = 1;

/** What makes one tree of another: by node, what goes with `-`, what comes with `+`. */
export async function run({ args, options }: Call, { stdout, json }: Context): Promise<number> {
  const [before, after] = [await readTree(args[0]!), await readTree(args[1]!)];
  // Phandles are the numbers by which one tree knows its nodes, and no two compilers count alike.
  const changes = diffTrees(before, after, { byTarget: options.phandles !== true });
  const sides = { before: sideOf(before), after: sideOf(after) };
  if (json) stdout.json({ equal: changes.length === 0, changes: changes.map((each) => asJson(each, sides)) });
  else for (const line of lines(changes, sides)) stdout.line(line);
  return changes.length === 0 ? 0 : DIFFERENT;
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
    bytes,
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
