import { align, HEADER_SIZE, Header, MAGIC, OLDEST_VERSION, Token, VERSION } from './format.js';
import { Names } from './names.js';
import type { Tree, TreeNode } from './tree.js';

/**
 * Flattens a tree, version 17: header, reservations, structure, names, without a gap, as dtc lays it out. What dtc wrote
 * is written back byte for byte.
 */
export function writeTree(tree: Tree): Uint8Array {
  const names = new Names();
  const structureSize = sizeOf(tree.root, names) + 4;
  const reservationsAt = HEADER_SIZE;
  const structureAt = reservationsAt + 16 * (tree.reservations.length + 1);
  const stringsAt = structureAt + structureSize;
  const strings = names.bytes();
  const bytes = new Uint8Array(stringsAt + strings.length);
  const view = new DataView(bytes.buffer);

  const header: readonly (readonly [number, number])[] = [
    [Header.MAGIC, MAGIC],
    [Header.TOTAL_SIZE, bytes.length],
    [Header.STRUCTURE, structureAt],
    [Header.STRINGS, stringsAt],
    [Header.RESERVATIONS, reservationsAt],
    [Header.VERSION, VERSION],
    [Header.LAST_COMPATIBLE, OLDEST_VERSION],
    [Header.BOOT_CPU, tree.bootCpu],
    [Header.STRINGS_SIZE, strings.length],
    [Header.STRUCTURE_SIZE, structureSize],
  ];
  for (const [offset, word] of header) view.setUint32(offset, word);
  for (const [index, { address, size }] of tree.reservations.entries()) {
    view.setBigUint64(reservationsAt + 16 * index, address);
    view.setBigUint64(reservationsAt + 16 * index + 8, size);
  }
  const end = writeNode(tree.root, structureAt, bytes, view, names);
  view.setUint32(end, Token.END);
  bytes.set(strings, stringsAt);
  return bytes;
}

/** How many bytes of structure a node takes; its properties' names are gathered on the way, in dtc's order. */
function sizeOf(node: TreeNode, names: Names): number {
  let size = 4 + align(node.name.length + 1, 4) + 4;
  for (const [name, value] of node.properties) {
    names.add(name);
    size += 12 + align(value.length, 4);
  }
  for (const child of node.children) size += sizeOf(child, names);
  return size;
}

function writeNode(node: TreeNode, start: number, bytes: Uint8Array, view: DataView, names: Names): number {
  let at = start;
  const word = (value: number) => {
    view.setUint32(at, value);
    at += 4;
  };
  word(Token.BEGIN_NODE);
  for (let index = 0; index < node.name.length; index++) bytes[at + index] = node.name.charCodeAt(index);
  at = align(at + node.name.length + 1, 4);
  for (const [name, value] of node.properties) {
    word(Token.PROPERTY);
    word(value.length);
    word(names.offsetOf(name));
    bytes.set(value, at);
    at = align(at + value.length, 4);
  }
  for (const child of node.children) at = writeNode(child, at, bytes, view, names);
  word(Token.END_NODE);
  return at;
}
