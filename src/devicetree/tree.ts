import { treeError } from './error.js';
import { Limit } from './format.js';

/** A range of memory that is to be left alone, outside the tree proper (`/memreserve/`). */
export interface Reservation {
  readonly address: bigint;
  readonly size: bigint;
}

/** A device tree: what a flattened one holds. */
export interface Tree {
  readonly root: TreeNode;
  readonly reservations: Reservation[];
  /** The physical id of the CPU that boots. */
  bootCpu: number;
}

export function emptyTree(): Tree {
  return { root: new TreeNode(''), reservations: [], bootCpu: 0 };
}

/** One node. Its properties and children keep the order in which they were set; values are bytes (values.ts). */
export class TreeNode {
  /** With its unit address: `serial@9000000`; the root's is empty. */
  readonly name: string;
  readonly properties = new Map<string, Uint8Array>();
  readonly #children = new Map<string, TreeNode>();
  #parent: TreeNode | undefined;

  constructor(name: string) {
    this.name = name;
  }

  get parent(): TreeNode | undefined {
    return this.#parent;
  }

  get children(): IterableIterator<TreeNode> {
    return this.#children.values();
  }

  get hasChildren(): boolean {
    return this.#children.size > 0;
  }

  /** From the root: `/soc/serial@9000000`; `/` is the root. */
  get path(): string {
    const names: string[] = [];
    for (let node: TreeNode = this; node.#parent !== undefined; node = node.#parent) names.unshift(node.name);
    return `/${names.join('/')}`;
  }

  child(name: string): TreeNode | undefined {
    return this.#children.get(name);
  }

  /** Throws GPUVM_DEVICE_TREE where the name is taken, or cannot be one. */
  add(name: string): TreeNode {
    const trouble = troubleWithName(name);
    if (trouble) throw treeError(`a node's name ${trouble}: ${JSON.stringify(name)}`);
    if (this.#children.has(name)) throw treeError(`${this.path} has a node ${name} already`);
    const child = new TreeNode(name);
    child.#parent = this;
    this.#children.set(name, child);
    return child;
  }

  /** The child of this name, made where there is none. */
  ensure(name: string): TreeNode {
    return this.#children.get(name) ?? this.add(name);
  }

  /** Takes the node out of its parent, with all below it. `removeNode` also says who still refers to it. */
  detach(): void {
    if (this.#parent === undefined) return;
    this.#parent.#children.delete(this.name);
    this.#parent = undefined;
  }

  /** Throws GPUVM_DEVICE_TREE where the name cannot be a property's. */
  set(name: string, value: Uint8Array): this {
    const trouble = troubleWithName(name);
    if (trouble) throw treeError(`a property's name ${trouble}: ${JSON.stringify(name)}`);
    this.properties.set(name, value);
    return this;
  }

  get(name: string): Uint8Array | undefined {
    return this.properties.get(name);
  }
}

/** A node and all below it, parents first, in the tree's order. */
export function* walk(node: TreeNode): Generator<TreeNode> {
  const stack = [node];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    yield next;
    stack.push(...[...next.children].reverse());
  }
}

/**
 * The node at a path from the root. A name without its unit address is found where one child alone has it, as in the
 * specification's 2.2.3.
 */
export function findNode({ root }: Tree, path: string): TreeNode | undefined {
  if (!path.startsWith('/')) return undefined;
  let node: TreeNode | undefined = root;
  for (const name of path.split('/').filter((part) => part !== '')) {
    node = node.child(name) ?? withoutAddress(node, name);
    if (node === undefined) return undefined;
  }
  return node;
}

/** As `findNode`, or from an alias of `/aliases`: `mmc0`, `serial0/child`; what follows a colon is none of the path. */
export function resolvePath(tree: Tree, path: string): TreeNode | undefined {
  const bare = path.replace(/:.*$/, '');
  if (bare.startsWith('/')) return findNode(tree, bare);
  const [alias = '', ...rest] = bare.split('/');
  const value = tree.root.child('aliases')?.get(alias);
  const full = value && Buffer.from(value).toString('latin1').replace(/\0$/, '');
  return full?.startsWith('/') ? findNode(tree, [full, ...rest].join('/')) : undefined;
}

/** A tree of its own with the same content: the values are copies too. */
export function cloneTree(tree: Tree): Tree {
  const copy: Tree = {
    ...emptyTree(),
    reservations: tree.reservations.map((each) => ({ ...each })),
    bootCpu: tree.bootCpu,
  };
  const fill = (from: TreeNode, to: TreeNode) => {
    for (const [name, value] of from.properties) to.properties.set(name, Uint8Array.from(value));
    for (const child of from.children) fill(child, to.add(child.name));
  };
  fill(tree.root, copy.root);
  return copy;
}

function withoutAddress(parent: TreeNode, name: string): TreeNode | undefined {
  const matching = [...parent.children].filter((child) => child.name.startsWith(`${name}@`));
  return matching.length === 1 ? matching[0] : undefined;
}

/** Names are printable ASCII without the path's separator; the specification's characters are fewer, trees have more. */
export function troubleWithName(name: string): string | undefined {
  if (name === '') return 'must not be empty';
  if (name.length > Limit.NAME) return `has at most ${Limit.NAME} characters`;
  return /^[!-.0-~]+$/.test(name) ? undefined : 'is of printable characters without "/" and spaces';
}
