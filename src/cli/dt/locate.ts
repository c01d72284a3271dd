import { findLabel, labelsOf, resolvePath, type Tree, type TreeNode, walk } from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';
import { nearest } from '../../nearest.js';

/** A node, and one of its properties where one was named. */
export interface Place {
  readonly node: TreeNode;
  readonly property: string | undefined;
}

/**
 * What `PATH` or `PATH:PROPERTY` means: a path, with or without unit addresses, an alias, a label with or without its
 * `&`, or the name of a node where one alone has it. The property need not be there. Throws GPUVM_USAGE where the node is not.
 */
export function locate(tree: Tree, place: string): Place {
  const colon = place.lastIndexOf(':');
  const path = colon < 0 ? place : place.slice(0, colon);
  const property = colon < 0 ? undefined : place.slice(colon + 1);
  if (property === '') throw new GpuvmError('GPUVM_USAGE', `${place}: no property is named after the colon`);
  const node = nodeAt(tree, path);
  if (node === undefined)
    throw new GpuvmError('GPUVM_USAGE', `the tree has no node ${path}${hint(tree, path)}`);
  return { node, property };
}

/** The property of a place, which is there. */
export function requireProperty({ properties, path }: TreeNode, property: string): Uint8Array {
  const value = properties.get(property);
  if (value !== undefined) return value;
  const near = nearest(property, properties.keys());
  throw new GpuvmError(
    'GPUVM_USAGE',
    `${path} has no property ${property}${near === undefined ? '' : `: did you mean ${near}?`}`,
  );
}

function nodeAt(tree: Tree, path: string): TreeNode | undefined {
  if (path.startsWith('/')) return resolvePath(tree, path);
  const labelled = findLabel(tree, path.replace(/^&/, ''));
  if (labelled || path.startsWith('&')) return labelled;
  return resolvePath(tree, path) ?? onlyNode(tree, path);
}

/** The one node of that name, be it with or without its address. */
function onlyNode({ root }: Tree, name: string): TreeNode | undefined {
  const nodes = [...walk(root)];
  const whole = nodes.filter((node) => node.name === name && node.parent !== undefined);
  const found = whole.length > 0 ? whole : nodes.filter((node) => node.name.startsWith(`${name}@`));
  return found.length === 1 ? found[0] : undefined;
}

/** The node that was meant: one of that name elsewhere, else one of nearly that name. */
function hint(tree: Tree, path: string): string {
  const name = path.split('/').at(-1)!;
  const nodes = [...walk(tree.root)].slice(1);
  const named = nodes.find((node) => node.name === name || node.name.startsWith(`${name}@`))?.path;
  const near = named ?? (path.startsWith('/') ? nearPath(tree, path) : nearest(path, labelsOf(tree)));
  return near === undefined ? '' : `: did you mean ${near}?`;
}

/** As far as the path leads, and the child there that is nearest. */
function nearPath(tree: Tree, path: string): string | undefined {
  const names = path.split('/').filter((name) => name !== '');
  for (let depth = names.length - 1; depth >= 0; depth--) {
    const parent = resolvePath(tree, `/${names.slice(0, depth).join('/')}`);
    if (parent === undefined) continue;
    const children = [...parent.children].map(({ name }) => name);
    const child = nearest(names[depth]!, children) ?? nearest(names[depth]!.replace(/@.*$/, ''), children);
    return child && parent.child(child)!.path;
  }
  return undefined;
}
