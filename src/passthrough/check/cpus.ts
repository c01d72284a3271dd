import {
  cells,
  findNode,
  isEnabled,
  nextPhandle,
  phandleOf,
  phandlesOf,
  readNumber,
  readString,
  removeNode,
  type Tree,
  type TreeNode,
  u64s,
  walk,
} from '../../devicetree/index.js';
import type { Expectations } from './expectations.js';
import { hex, type TreeFinding } from './finding.js';
import { setPpiCpus } from './ppis.js';
import { moveInto } from './rename.js';

/** Linux starts the CPUs that the tree has, and a CPU that QEMU has not does not answer. */
export function* checkCpus(tree: Tree, expectations: Expectations): Generator<TreeFinding> {
  const { cpuCount, cpuAddresses } = expectations;
  const count = cpuAddresses?.length ?? cpuCount;
  if (count === undefined) return;
  const there = cpusOf(tree);
  const said = there.map(addressOf);
  const wanted = cpuAddresses ?? guessed(said, count);
  const isCounted = there.length === count;
  if (isCounted && (cpuAddresses === undefined || isEqual(said, cpuAddresses))) return;
  const list = wanted?.map((address) => `cpu@${address.toString(16)}`).join(' ');
  yield {
    id: 'guest-tree.cpus',
    status: 'fail',
    path: '/cpus',
    property: undefined,
    what: isCounted
      ? `the CPUs are ${said.map((each) => (each === undefined ? '?' : hex(each))).join(', ')}, and QEMU's are ${wanted!.map(hex).join(', ')}`
      : `${there.length} ${there.length === 1 ? 'CPU' : 'CPUs'}, and smp of the VM file makes ${count}`,
    right: list === undefined ? `${count} CPUs, as in QEMU's own tree` : list,
    mend: wanted && there.length > 0 ? () => setCpus(tree, there, wanted) : undefined,
  };
}

export function cpusOf(tree: Tree): TreeNode[] {
  return [...(findNode(tree, '/cpus')?.children ?? [])].filter(
    (node) => readString(node.get('device_type')) === 'cpu' && isEnabled(node),
  );
}

/** A CPU's number in its interrupt controller's terms (MPIDR). */
export function addressOf(node: TreeNode): bigint | undefined {
  return readNumber(node.get('reg'));
}

/** A GIC's first group has at least eight; where the next one begins its version says. */
const FIRST_GROUP = 8;

function guessed(said: readonly (bigint | undefined)[], count: number): bigint[] | undefined {
  const isCounted = said.every((address, index) => address === BigInt(index));
  return isCounted && count <= FIRST_GROUP
    ? Array.from({ length: count }, (_, index) => BigInt(index))
    : undefined;
}

function isEqual(said: readonly (bigint | undefined)[], wanted: readonly bigint[]): boolean {
  const both = new Set(said);
  return said.length === wanted.length && wanted.every((address) => both.has(address));
}

/** Makes the CPUs those that are wanted; new ones are as the first one is. */
function setCpus(tree: Tree, there: readonly TreeNode[], wanted: readonly bigint[]): void {
  const model = there[0]!;
  const byAddress = new Map(there.map((node) => [addressOf(node), node]));
  for (const address of wanted) if (!byAddress.has(address)) addCpu(tree, model, address);
  // Last, as the one that the new ones are made after may be among them.
  for (const [address, node] of byAddress)
    if (address === undefined || !wanted.includes(address)) dropCpu(tree, node);
  setPpiCpus(tree, there.length, wanted.length);
}

function addCpu(tree: Tree, model: TreeNode, address: bigint): void {
  const node = model.parent!.ensure(`cpu@${address.toString(16)}`);
  for (const [name, value] of model.properties)
    if (!/^(linux,)?phandle$/.test(name)) node.set(name, Uint8Array.from(value));
  for (const child of model.children) copyNode(child, node);
  node.set('reg', model.get('reg')?.length === 8 ? u64s(address) : cells(Number(address)));
  if (phandleOf(model) === undefined) return;
  const phandle = nextPhandle(tree);
  node.set('phandle', cells(phandle));
  addToMap(tree, model, phandle);
}

/** A cache of its own, for one; nothing refers to that but its CPU. */
function copyNode(from: TreeNode, into: TreeNode): void {
  const node = into.ensure(from.name);
  for (const [name, value] of from.properties)
    if (!/^(linux,)?phandle$/.test(name)) node.set(name, Uint8Array.from(value));
  for (const child of from.children) copyNode(child, node);
}

/** In /cpus/cpu-map beside the CPU that it was made after. */
function addToMap(tree: Tree, model: TreeNode, phandle: number): void {
  const map = findNode(tree, '/cpus/cpu-map');
  const place =
    map && [...walk(map)].find((node) => readNumber(node.get('cpu')) === BigInt(phandleOf(model)!));
  const [, kind] = /^([a-z]+)\d+$/.exec(place?.name ?? '') ?? [];
  if (place?.parent === undefined || kind === undefined) return;
  let number = 0;
  while (place.parent.child(`${kind}${number}`)) number++;
  place.parent.add(`${kind}${number}`).set('cpu', cells(phandle));
}

function dropCpu(tree: Tree, cpu: TreeNode): void {
  for (const { from, property, offset } of removeNode(tree, cpu).reverse()) {
    if (from.path.startsWith('/cpus/cpu-map/')) dropFromMap(from);
    else if (/^(cpus?|interrupt-affinity)$/.test(property)) {
      const value = from.get(property)!;
      const rest = Buffer.concat([value.subarray(0, offset), value.subarray(offset + 4)]);
      if (rest.length > 0) from.set(property, rest);
      else from.properties.delete(property);
    }
  }
  const symbols = findNode(tree, '/__symbols__');
  const known = new Set([...phandlesOf(tree).values()].map(({ path }) => path));
  for (const [label, value] of symbols?.properties ?? []) {
    const path = readString(value) ?? '';
    if (path.startsWith('/cpus/cpu@') && !known.has(path) && !findNode(tree, path))
      symbols!.properties.delete(label);
  }
}

/** With what is around it and has nothing else; Linux wants cores without gaps in their numbers. */
function dropFromMap(node: TreeNode): void {
  const above = node.parent!;
  node.detach();
  if (!above.hasChildren && above.name !== 'cpu-map' && above.get('cpu') === undefined) dropFromMap(above);
  else renumber(above);
}

function renumber(above: TreeNode): void {
  const kinds = new Map<string, number>();
  for (const node of [...above.children]) {
    const [, kind] = /^([a-z]+)\d+$/.exec(node.name) ?? [];
    if (kind === undefined) continue;
    const number = kinds.get(kind) ?? 0;
    kinds.set(kind, number + 1);
    const name = `${kind}${number}`;
    if (node.name !== name && above.child(name) === undefined) moveInto(node, above.add(name));
  }
}
