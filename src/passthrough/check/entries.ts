import { type BusRange, cells, cellsOf, rangesOf, type TreeNode } from '../../devicetree/index.js';

/** Whether the entries of a bus's `ranges` have numbers of one or two cells, so that they can be written anew. */
export function isPlain(bus: TreeNode): boolean {
  if (bus.parent === undefined) return false;
  const { addressCells, sizeCells } = cellsOf(bus);
  return [addressCells, sizeCells, cellsOf(bus.parent).addressCells].every(
    (count) => count === 1 || count === 2,
  );
}

/** Writes the entries of `ranges` anew. */
export function changeRanges(
  bus: TreeNode,
  change: (entries: readonly BusRange[]) => readonly BusRange[],
): void {
  const { addressCells, sizeCells } = cellsOf(bus);
  const outer = cellsOf(bus.parent!).addressCells;
  const made = change(rangesOf(bus) ?? []).map(({ child, parent, size }) =>
    cells(numberIn(child.address, addressCells), numberIn(parent.address, outer), numberIn(size, sizeCells)),
  );
  bus.set('ranges', Buffer.concat(made));
}

/** Writes one entry of a node's `reg` anew. */
export function changeReg(node: TreeNode, index: number, address: bigint, size: bigint): void {
  const { addressCells, sizeCells } = cellsOf(node.parent!);
  const entry = cells(numberIn(address, addressCells), numberIn(size, sizeCells));
  const value = Uint8Array.from(node.get('reg') ?? []);
  value.set(entry, index * entry.length);
  node.set('reg', value);
}

/** As `cells` takes it for so many cells. */
export function numberIn(value: bigint, count: number): number | bigint {
  return count === 2 ? value : Number(value & 0xffff_ffffn);
}

/** What the children of a bus call an address that a node below it says; undefined where nothing leads there. */
export function addressOn(bus: TreeNode, node: TreeNode, address: bigint): bigint | undefined {
  let at = address;
  for (let above = node.parent; above !== bus; above = above.parent) {
    if (above === undefined) return undefined;
    if (above.get('ranges')?.length === 0) continue;
    const range = rangesOf(above)?.find(
      ({ child, size }) => at >= child.address && at < child.address + size,
    );
    if (range === undefined) return undefined;
    at = range.parent.address + (at - range.child.address);
  }
  return at;
}

/** By the names of both sides' lists, which of the one each of the other is; by their order where names do not tell. */
export function pairing(
  ours: readonly string[] | undefined,
  theirs: readonly string[] | undefined,
): (index: number) => number {
  const isTold =
    ours !== undefined &&
    theirs?.every((name, index) => ours.includes(name) && theirs.indexOf(name) === index);
  return (index) => {
    const name = isTold ? theirs![index] : undefined;
    return name === undefined ? index : ours!.indexOf(name);
  };
}
