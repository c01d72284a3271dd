import fc from 'fast-check';
import { emptyTree, type Tree, type TreeNode } from '../../src/devicetree/index.js';

interface Shape {
  readonly properties: readonly (readonly [string, Uint8Array])[];
  readonly children: readonly (readonly [string, Shape])[];
}

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789,._+-';
const name = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 20 });
/** As dtc takes them: a name that starts with a letter, an address in hexadecimal digits. */
const nodeName = fc
  .tuple(fc.constantFrom('cpu', 'uart', 'x-1', 'a.b_c'), fc.option(fc.nat(0xffff)))
  .map(([base, address]) => (address === null ? base : `${base}@${address.toString(16)}`));

const properties = fc.uniqueArray(
  fc.tuple(
    name.filter((each) => !/phandle/.test(each)),
    fc.uint8Array({ maxLength: 40 }),
  ),
  { maxLength: 6, selector: ([key]) => key },
);

const shape: (depth?: number) => fc.Arbitrary<Shape> = fc.memo((depth) => {
  const below = depth > 1 ? fc.tuple(nodeName, shape(depth - 1)) : undefined;
  const children = below
    ? fc.uniqueArray(below, { maxLength: 4, selector: ([key]) => key })
    : fc.constant([]);
  return fc.record({ properties, children });
});

function fill(node: TreeNode, { properties, children }: Shape): void {
  for (const [key, value] of properties) node.set(key, value);
  for (const [key, child] of children) fill(node.add(key), child);
}

const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const reservation = fc.record({ address: u64, size: u64.filter((size) => size > 0n) });

/** Trees of any form, with values of any bytes. */
export const arbitraryTree: fc.Arbitrary<Tree> = fc
  .tuple(shape(4), fc.array(reservation, { maxLength: 3 }), fc.nat(7))
  .map(([root, reservations, bootCpu]) => {
    const tree = emptyTree();
    fill(tree.root, root);
    tree.reservations.push(...reservations);
    tree.bootCpu = bootCpu;
    return tree;
  });
