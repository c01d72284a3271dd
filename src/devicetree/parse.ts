import { treeError } from './error.js';
import { align, Limit, Token } from './format.js';
import { readHeader } from './header.js';
import { type Reservation, type Tree, TreeNode, troubleWithName } from './tree.js';

export interface ParseTreeOptions {
  /** Where the blob came from, for messages. */
  readonly file?: string;
}

/**
 * Reads a flattened tree, version 16 or 17. The values are copies.
 * Throws GPUVM_DEVICE_TREE for anything that is not one, whatever the bytes are: time and memory are bounded by their
 * number and by the limits of format.ts.
 */
export function parseTree(bytes: Uint8Array, { file }: ParseTreeOptions = {}): Tree {
  return new Parser(bytes, file).tree();
}

class Parser {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #file: string | undefined;
  readonly #layout: ReturnType<typeof readHeader>;
  /** Names by their offset in the strings: a tree has few, each used often. */
  readonly #names = new Map<number, string>();
  #at: number;
  #nodes = 0;
  #properties = 0;

  constructor(bytes: Uint8Array, file: string | undefined) {
    // Not as a Buffer, whose `slice` is no copy.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#file = file;
    this.#layout = readHeader(bytes, file);
    this.#at = this.#layout.structure.start;
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
      if (found.push({ address, size }) > Limit.RESERVATIONS) throw this.#damaged('too many reservations');
    }
    throw this.#damaged('reservations without an end');
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
          const name = this.#nodeName();
          if (node === undefined) {
            if (root !== undefined) throw this.#damaged('a second root');
            root = new TreeNode('');
            open.push(root);
          } else {
            if (open.length >= Limit.DEPTH) throw this.#damaged(`nodes deeper than ${Limit.DEPTH}`);
            open.push(this.#add(node, name));
          }
          if (++this.#nodes > Limit.NODES) throw this.#damaged('too many nodes');
          break;
        }
        case Token.END_NODE:
          if (open.pop() === undefined) throw this.#damaged('a node that ends without a beginning');
          break;
        case Token.PROPERTY:
          if (node === undefined) throw this.#damaged('a property outside of all nodes');
          this.#property(node);
          break;
        case Token.END:
          if (node !== undefined || root === undefined) throw this.#damaged('an end inside a node');
          return root;
        default:
          throw this.#damaged(`an unknown token 0x${token.toString(16)}`);
      }
    }
  }

  #add(parent: TreeNode, name: string): TreeNode {
    const trouble = troubleWithName(name);
    if (trouble) throw this.#damaged(`a node whose name ${trouble}`);
    if (parent.child(name)) throw this.#damaged(`two nodes ${parent.path}/${name}`);
    return parent.add(name);
  }

  #property(node: TreeNode): void {
    const size = this.#word();
    const name = this.#propertyName(this.#word());
    const start = this.#at;
    this.#skip(size);
    // The specification puts a node's properties before its children; where they are not, the order is lost in writing.
    if (!node.children.next().done) throw this.#damaged(`a property of ${node.path} after its child nodes`);
    if (node.properties.has(name)) throw this.#damaged(`two properties ${name} of ${node.path}`);
    if (++this.#properties > Limit.PROPERTIES) throw this.#damaged('too many properties');
    node.properties.set(name, this.#bytes.slice(start, start + size));
  }

  #nodeName(): string {
    const { end } = this.#layout.structure;
    const start = this.#at;
    const name = this.#text(start, end);
    this.#skip(name.length + 1);
    return name;
  }

  #propertyName(offset: number): string {
    const known = this.#names.get(offset);
    if (known !== undefined) return known;
    const { start, end } = this.#layout.strings;
    if (offset >= end - start) throw this.#damaged('a property whose name lies outside of the strings');
    const name = this.#text(start + offset, end);
    const trouble = troubleWithName(name);
    if (trouble) throw this.#damaged(`a property whose name ${trouble}`);
    this.#names.set(offset, name);
    return name;
  }

  /** What stands before the next NUL. */
  #text(start: number, end: number): string {
    const last = Math.min(end, start + Limit.NAME + 1);
    for (let at = start; at < last; at++) {
      if (this.#bytes[at] === 0) return String.fromCharCode(...this.#bytes.subarray(start, at));
    }
    throw this.#damaged('a name without an end');
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

  #damaged(what: string) {
    return treeError(`the device tree blob is damaged: ${what} (at byte ${this.#at})`, this.#file);
  }
}
