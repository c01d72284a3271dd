import { treeError } from './error.js';
import { align, Limit, NAME, Token, valueAlignment } from './format.js';
import { readHeader } from './header.js';
import { NameReader } from './name-reader.js';
import { type Reservation, type Tree, TreeNode, troubleWithName } from './tree.js';

export interface ParseTreeOptions {
  /** Where the blob came from, for messages. */
  readonly file?: string;
}

/**
 * Reads a flattened tree, of version 1 to 17 (in use are 16 and 17; old ones come from `dtc -V` and old PowerPC firmware).
 * What is behind its end is left alone. The values are copies, together in one buffer.
 *
 * Throws GPUVM_DEVICE_TREE for anything that is not one, with the offset, whatever the bytes are: time and memory are
 * bounded by their number and by the limits of format.ts. Stricter than Linux where that makes sense of what is
 * ambiguous: a name given twice in a node, and a property after child nodes (which Linux overlooks and dtc does not).
 */
export function parseTree(bytes: Uint8Array, { file }: ParseTreeOptions = {}): Tree {
  return new Parser(bytes, file).tree();
}

class Parser {
  readonly #view: DataView;
  readonly #file: string | undefined;
  readonly #layout: ReturnType<typeof readHeader>;
  /** Cut into values: one buffer for all of a tree is quicker than one for each. */
  readonly #copy: Uint8Array;
  readonly #names: NameReader;
  #at: number;
  #nodes = 0;
  #properties = 0;

  constructor(bytes: Uint8Array, file: string | undefined) {
    this.#layout = readHeader(bytes, file);
    const { structure } = this.#layout;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#file = file;
    // Not by the blob's own `slice`: a Buffer's is no copy.
    this.#copy = new Uint8Array(structure.end - structure.start);
    this.#copy.set(bytes.subarray(structure.start, structure.end));
    this.#names = new NameReader(bytes, (what, offset) => this.#damaged(what, offset));
    this.#at = structure.start;
  }

  tree(): Tree {
    const reservations = this.#reservations();
    return { root: this.#structure(), reservations, bootCpu: this.#layout.bootCpu };
  }

  #reservations(): Reservation[] {
    const { start, end } = this.#layout.reservations;
    const found: Reservation[] = [];
    for (let at = start; at + 16 <= end; at += 16) {
      const [address, size] = [this.#view.getBigUint64(at), this.#view.getBigUint64(at + 8)];
      if (address === 0n && size === 0n) return found;
      if (found.push({ address, size }) > Limit.RESERVATIONS)
        throw this.#damaged('too many reservations', at);
    }
    throw this.#damaged('reservations without an end', start);
  }

  #structure(): TreeNode {
    let root: TreeNode | undefined;
    const open: TreeNode[] = [];
    for (;;) {
      const token = this.#word();
      const node = open.at(-1);
      switch (token) {
        case Token.NOP:
          break;
        case Token.BEGIN_NODE: {
          if (node === undefined && root !== undefined) throw this.#damaged('a second root');
          if (open.length >= Limit.DEPTH) throw this.#damaged(`nodes deeper than ${Limit.DEPTH}`);
          if (++this.#nodes > Limit.NODES) throw this.#damaged('too many nodes');
          open.push(this.#beginNode(node));
          root ??= open[0];
          break;
        }
        case Token.END_NODE:
          if (node === undefined) throw this.#damaged('a node that ends without a beginning');
          if (this.#layout.form.isOld) dropName(node);
          open.pop();
          break;
        case Token.PROPERTY:
          if (node === undefined) throw this.#damaged('a property outside of all nodes');
          this.#property(node);
          break;
        case Token.END:
          if (node !== undefined || root === undefined) throw this.#damaged('an end inside a node');
          return root;
        default:
          throw this.#damaged(`an unknown token 0x${token.toString(16)}`, this.#at - 4);
      }
    }
  }

  #beginNode(parent: TreeNode | undefined): TreeNode {
    const at = this.#at;
    const { structure, form } = this.#layout;
    const text = this.#names.at(at, structure.end, form.isOld ? Limit.PATH : Limit.NAME);
    this.#skip(text.length + 1);
    // What a root is called does not matter to anybody.
    if (parent === undefined) return new TreeNode('');
    const name = form.isOld ? lastOf(parent, text) : text;
    if (name === undefined)
      throw this.#damaged(`a node ${JSON.stringify(text)} that is not below ${parent.path}`, at);
    const trouble = troubleWithName(name);
    if (trouble) throw this.#damaged(`a node whose name ${trouble}`, at);
    if (parent.child(name)) throw this.#damaged(`two nodes ${parent.path}/${name}`, at);
    return parent.add(name);
  }

  #property(node: TreeNode): void {
    const at = this.#at;
    const size = this.#word();
    const name = this.#names.ofProperty(this.#word(), this.#layout.strings, at + 4);
    const start = align(this.#at, valueAlignment(this.#layout.form, size));
    this.#at = start;
    this.#skip(size);
    if (node.hasChildren) throw this.#damaged(`a property of ${node.path} after its child nodes`, at);
    if (node.properties.has(name)) throw this.#damaged(`two properties ${name} of ${node.path}`, at);
    if (++this.#properties > Limit.PROPERTIES) throw this.#damaged('too many properties', at);
    const from = start - this.#layout.structure.start;
    node.properties.set(name, this.#copy.subarray(from, from + size));
  }

  #word(): number {
    const at = this.#at;
    this.#skip(4);
    return this.#view.getUint32(at);
  }

  #skip(size: number): void {
    const next = align(this.#at + size, 4);
    // A size of 2 GB and more would wrap around in `align`.
    if (size > Limit.SIZE || next > this.#layout.structure.end)
      throw this.#damaged('a structure without an end');
    this.#at = next;
  }

  #damaged(what: string, offset = this.#at) {
    return treeError(`the device tree blob is damaged: ${what}`, this.#file, offset);
  }
}

/** Of an old version's whole path the part below the parent; undefined where it lies elsewhere. */
function lastOf(parent: TreeNode, path: string): string | undefined {
  const above = parent.parent === undefined ? '/' : `${parent.path}/`;
  return path.startsWith(above) ? path.slice(above.length) : undefined;
}

/** In old versions it says the name once more. */
function dropName(node: TreeNode): void {
  const value = node.get(NAME);
  if (value === undefined) return;
  const name = node.name.replace(/@.*$/, '');
  if (value.length === name.length + 1 && Buffer.from(value).toString('latin1') === `${name}\0`)
    node.properties.delete(NAME);
}
