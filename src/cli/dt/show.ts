import {
  guessValue,
  labelsOf,
  type PrintOptions,
  phandlesOf,
  printNode,
  printTree,
  readString,
  specifiersOf,
  type Tree,
  type TreeNode,
  valuePrinter,
} from '../../devicetree/index.js';
import { nameOfReference } from '../../passthrough/index.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { locate, requireProperty } from './locate.js';
import { readTree } from './read-tree.js';

/** References as labels, with what their cells are called. */
export const NAMED: PrintOptions = { nameOf: nameOfReference };

/** A tree, a node of it, or a property, as source or as JSON. */
export async function run({ args: [file, place] }: Call, { stdout, json }: Context): Promise<number> {
  const tree = await readTree(file!);
  const { node, property } =
    place === undefined ? { node: tree.root, property: undefined } : locate(tree, place);
  if (property !== undefined) requireProperty(node, property);
  if (json) {
    const describe = describer(tree);
    stdout.json(
      property === undefined
        ? describe.node(node)
        : { path: node.path, ...describe.property(node, property) },
    );
  } else if (property !== undefined) stdout.line(valuePrinter(tree, NAMED)(node, property));
  else stdout.write(place === undefined ? printTree(tree, NAMED) : `${printNode(tree, node, NAMED)}\n`);
  return 0;
}

/** Nodes and properties as JSON has them. */
function describer(tree: Tree) {
  const phandles = phandlesOf(tree);
  const print = valuePrinter(tree, NAMED);
  const labels = new Map<string, string[]>();
  for (const label of labelsOf(tree)) {
    const path = readString(tree.root.child('__symbols__')?.get(label)) ?? '';
    labels.set(path, [...(labels.get(path) ?? []), label]);
  }
  const property = (node: TreeNode, name: string) => {
    const value = node.get(name)!;
    const guess = guessValue(value);
    const references = specifiersOf(node, name, phandles).map((reference) => ({
      to: reference.to?.path ?? null,
      args: reference.args,
      name: nameOfReference(reference) ?? null,
    }));
    return {
      name,
      ...(guess.kind === 'bytes' ? { kind: guess.kind } : guess),
      bytes: Buffer.from(value).toString('hex'),
      source: print(node, name),
      ...(references.length > 0 && { references }),
    };
  };
  const describeNode = (node: TreeNode): object => ({
    path: node.path,
    labels: labels.get(node.path) ?? [],
    properties: [...node.properties.keys()].map((name) => property(node, name)),
    children: [...node.children].map(describeNode),
  });
  return { node: describeNode, property };
}
