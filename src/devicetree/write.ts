import { treeError } from './error.js';
import {
  align,
  type Form,
  formOf,
  Header,
  Limit,
  MAGIC,
  NAME,
  Token,
  type TreeVersion,
  VERSION,
  valueAlignment,
} from './format.js';
import { Names } from './names.js';
import type { Tree, TreeNode } from './tree.js';
import { strings } from './values.js';

export interface WriteTreeOptions {
  /** 17 by default, which all readers of 16 read too. */
  readonly version?: TreeVersion;
}

/**
 * Flattens a tree: header, reservations, structure, names, without a gap, as dtc lays it out (`dtc -V`). What dtc wrote is
 * written back byte for byte, and anything else as `dtc -I dtb -O dtb` would.
 *
 * Throws GPUVM_DEVICE_TREE where the tree is deeper than what is read back (64 nodes, as for Linux).
 */
export function writeTree(tree: Tree, { version = VERSION }: WriteTreeOptions = {}): Uint8Array {
  const form = formOf(version);
  const names = new Names();
  const reservationsAt = align(form.headerSize, 8);
  const structureAt = reservationsAt + 16 * (tree.reservations.length + 1);
  const stringsAt = measure(tree.root, form, names, structureAt, 1) + 4;
  const texts = names.bytes();
  const bytes = Buffer.alloc(stringsAt + texts.length);

  const header: readonly (readonly [number, number])[] = [
    [Header.MAGIC, MAGIC],
    [Header.TOTAL_SIZE, bytes.length],
    [Header.STRUCTURE, structureAt],
    [Header.STRINGS, stringsAt],
    [Header.RESERVATIONS, reservationsAt],
    [Header.VERSION, version],
    [Header.LAST_COMPATIBLE, form.lastCompatible],
    [Header.BOOT_CPU, tree.bootCpu],
    [Header.STRINGS_SIZE, texts.length],
    [Header.STRUCTURE_SIZE, stringsAt - structureAt],
  ];
  for (const [offset, word] of header) if (offset < form.headerSize) bytes.writeUInt32BE(word, offset);
  for (const [index, { address, size }] of tree.reservations.entries()) {
    bytes.writeBigUInt64BE(address, reservationsAt + 16 * index);
    bytes.writeBigUInt64BE(size, reservationsAt + 16 * index + 8);
  }
  const end = writeNode(tree.root, form, names, structureAt, bytes);
  bytes.writeUInt32BE(Token.END, end);
  bytes.set(texts, stringsAt);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Where a node ends that starts at an offset; its properties' names are gathered on the way, in dtc's order. */
function measure(node: TreeNode, form: Form, names: Names, start: number, depth: number): number {
  if (depth > Limit.DEPTH)
    throw treeError(`a device tree has at most ${Limit.DEPTH} nodes below each other: ${node.path}`);
  let at = start + 4 + align(nameOf(node, form).length + 1, 4);
  for (const [name, value] of propertiesOf(node, form)) {
    names.add(name);
    at = align(at + 12, valueAlignment(form, value.length)) + align(value.length, 4);
  }
  for (const child of node.children) at = measure(child, form, names, at, depth + 1);
  return at + 4;
}

function writeNode(node: TreeNode, form: Form, names: Names, start: number, bytes: Buffer): number {
  let at = bytes.writeUInt32BE(Token.BEGIN_NODE, start);
  const text = nameOf(node, form);
  at = align(at + bytes.write(text, at, 'latin1') + 1, 4);
  for (const [name, value] of propertiesOf(node, form)) {
    bytes.writeUInt32BE(Token.PROPERTY, at);
    bytes.writeUInt32BE(value.length, at + 4);
    bytes.writeUInt32BE(names.offsetOf(name), at + 8);
    at = align(at + 12, valueAlignment(form, value.length));
    bytes.set(value, at);
    at = align(at + value.length, 4);
  }
  for (const child of node.children) at = writeNode(child, form, names, at, bytes);
  return bytes.writeUInt32BE(Token.END_NODE, at);
}

function nameOf(node: TreeNode, { isOld }: Form): string {
  return isOld ? node.path : node.name;
}

function propertiesOf(node: TreeNode, { isOld }: Form): Iterable<readonly [string, Uint8Array]> {
  if (!isOld || node.properties.has(NAME)) return node.properties;
  return [...node.properties, [NAME, strings(node.name.replace(/@.*$/, ''))]];
}
