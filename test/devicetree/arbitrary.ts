import fc from 'fast-check';
import { cells, EMPTY, emptyTree, strings, type Tree, type TreeNode } from '../../src/devicetree/index.js';

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

interface Wired {
  readonly parent: number;
  readonly name: string;
  readonly hasPhandle: boolean;
  readonly counts: readonly number[];
  readonly properties: readonly (readonly [string, readonly number[]])[];
  readonly isController: boolean;
}

const counting = ['#clock-cells', '#interrupt-cells', '#address-cells', '#size-cells', '#iommu-cells'];
const referring = [
  ...['clocks', 'iommus', 'interrupt-parent', 'interrupts', 'interrupts-extended', 'interrupt-map'],
  ...['interrupt-map-mask', 'iommu-map', 'reg', 'ranges', 'dma-ranges', 'memory-region', 'x-supply'],
  ...['nvidia,bpmp', 'gpio-ranges', 'interconnects', 'data', 'more'],
];

const wired: fc.Arbitrary<Wired> = fc.record({
  parent: fc.nat(1000),
  name: nodeName,
  hasPhandle: fc.boolean(),
  // Not all ones: dtc goes round in a circle then.
  counts: fc.array(fc.constantFrom(0, 1, 1, 2, 2, 3, 9), { minLength: 5, maxLength: 5 }),
  properties: fc.uniqueArray(
    fc.tuple(
      fc.constantFrom(...referring),
      fc.array(fc.oneof(fc.nat(12), fc.nat(12), fc.constantFrom(0xffff_ffff, 0x6162_6300)), {
        maxLength: 14,
      }),
    ),
    { maxLength: 4, selector: ([key]) => key },
  ),
  isController: fc.boolean(),
});

/** Trees whose nodes refer to each other by small phandles, rightly, wrongly and in circles; each node has a label. */
export const wiredTree: fc.Arbitrary<Tree> = fc.array(wired, { minLength: 1, maxLength: 10 }).map((all) => {
  const tree = emptyTree();
  const nodes = [tree.root];
  for (const [index, { parent, name, hasPhandle, counts, properties, isController }] of all.entries()) {
    // Numbered, as dtc's library takes `cpu` for `cpu@1` where that comes first.
    const node = nodes[parent % nodes.length]!.add(`n${index}${name}`);
    for (const [at, key] of counting.entries()) if (counts[at]! > 0) node.set(key, cells(counts[at]!));
    for (const [key, words] of properties) {
      // dtc itself dies of another length.
      if (key === 'interrupt-parent') node.set(key, cells(words[0] ?? 1));
      else node.set(key, cells(...words));
    }
    if (isController) node.set('interrupt-controller', EMPTY);
    if (hasPhandle) node.set('phandle', cells(index + 1));
    nodes.push(node);
  }
  const symbols = tree.root.add('__symbols__');
  for (const [index, node] of nodes.entries()) if (index > 0) symbols.set(`n${index}`, strings(node.path));
  return tree;
});
