import { describe, expect, it } from 'vitest';
import {
  cells,
  EMPTY,
  emptyTree,
  findNode,
  interruptCount,
  isEnabled,
  memoryRanges,
  phandlesOf,
  platformNameOf,
  regionsOf,
  reservedRanges,
  strings,
  type TreeNode,
} from '../../src/devicetree/index.js';

function bus(node: TreeNode, addressCells: number, sizeCells: number): TreeNode {
  return node.set('#address-cells', cells(addressCells)).set('#size-cells', cells(sizeCells));
}

/** A chip with a bus at its own addresses, one that is moved, one that leads nowhere, and two interrupt controllers. */
function chip() {
  const tree = emptyTree();
  const root = bus(tree.root, 2, 2).set('interrupt-parent', cells(1));
  root.add('gic@1000').set('phandle', cells(1)).set('#interrupt-cells', cells(3));
  root.add('gpio@2000').set('phandle', cells(2)).set('#interrupt-cells', cells(2));
  const straight = bus(root.add('bus@0'), 2, 2).set('ranges', cells(0n, 0n, 0x100_0000_0000n));
  straight
    .add('gpu@17000000')
    .set('reg', cells(0x1700_0000n, 0x100_0000n, 0x1800_0000n, 0x100_0000n))
    .set('interrupts', cells(0, 68, 4, 0, 70, 4));
  const inner = bus(straight.add('host1x@13e00000'), 1, 1)
    .set('reg', cells(0x13e0_0000n, 0x1_0000n))
    .set('ranges', cells(0x1480_0000, 0x1480_0000n, 0x200_0000));
  inner.add('vic@15340000').set('reg', cells(0x1534_0000, 0x4_0000));
  inner.add('outside@1').set('reg', cells(0x1, 0x1000));
  const moved = bus(root.add('moved'), 1, 1).set('ranges', cells(0x0, 0xa_0000_0000n, 0x1000_0000));
  moved
    .add('dev@100')
    .set('reg', cells(0x100, 0x10))
    .set('interrupts-extended', cells(1, 0, 1, 4, 2, 9, 1));
  bus(root.add('same'), 2, 2).set('ranges', EMPTY).add('dev@5000').set('reg', cells(0x5000n, 0x1000n));
  bus(root.add('i2c'), 1, 0).add('chip@50').set('reg', cells(0x50));
  root.add('fixed').add('child');
  return tree;
}

const tree = chip();
const at = (path: string) => findNode(tree, path)!;

describe("devices of a host's tree", () => {
  it('have their addresses translated through the buses', () => {
    expect(regionsOf(at('/bus@0/gpu'))).toEqual([
      { address: 0x1700_0000n, size: 0x100_0000n },
      { address: 0x1800_0000n, size: 0x100_0000n },
    ]);
    expect(regionsOf(at('/bus@0/host1x/vic'))).toEqual([{ address: 0x1534_0000n, size: 0x4_0000n }]);
    expect(regionsOf(at('/moved/dev'))).toEqual([{ address: 0xa_0000_0100n, size: 0x10n }]);
    expect(regionsOf(at('/same/dev'))).toEqual([{ address: 0x5000n, size: 0x1000n }]);
  });

  it('have none where no bus leads to them', () => {
    for (const path of ['/bus@0/host1x/outside', '/i2c/chip', '/fixed/child']) {
      expect(regionsOf(at(path)), path).toEqual([]);
    }
  });

  it('are called as Linux calls them', () => {
    const names = [
      ['/bus@0/gpu', '17000000.gpu'],
      ['/bus@0/host1x/vic', '15340000.vic'],
      ['/moved/dev', 'a00000100.dev'],
      ['/fixed/child', 'fixed:child'],
      ['/bus@0/host1x/outside', '13e00000.host1x:outside@1'],
    ] as const;
    for (const [path, name] of names) expect(platformNameOf(at(path))).toBe(name);
  });

  it('have their interrupts counted in either form', () => {
    const phandles = phandlesOf(tree);
    expect(interruptCount(at('/bus@0/gpu'), phandles)).toBe(2);
    expect(interruptCount(at('/moved/dev'), phandles)).toBe(2);
    expect(interruptCount(at('/same/dev'), phandles)).toBe(0);
    const lost = chip();
    const node = findNode(lost, '/moved/dev')!.set('interrupts-extended', cells(77, 1));
    expect(interruptCount(node, phandlesOf(lost))).toBeUndefined();
  });

  it('are off where anything above them is', () => {
    const other = chip();
    expect(isEnabled(findNode(other, '/bus@0/gpu')!)).toBe(true);
    findNode(other, '/bus@0')!.set('status', strings('disabled'));
    expect(isEnabled(findNode(other, '/bus@0/gpu')!)).toBe(false);
  });
});

describe("a host's memory", () => {
  it('is what the tree says, and kept where the kernel leaves it alone', () => {
    const { root, reservations, ...rest } = chip();
    root
      .add('memory@80000000')
      .set('device_type', strings('memory'))
      .set('reg', cells(0x8000_0000n, 0x1000_0000n));
    root.add('memory').set('device_type', strings('memory')).set('reg', cells(0n, 0n));
    const pools = bus(root.add('reserved-memory'), 2, 2).set('ranges', EMPTY);
    pools.add('a@80000000').set('reg', cells(0x8000_0000n, 0x1000n)).set('no-map', EMPTY);
    pools
      .add('b')
      .set('reg', cells(0x8000_1000n, 0x1000n))
      .set('compatible', strings('x', 'removed-dma-pool'));
    pools.add('cma').set('reg', cells(0x8000_2000n, 0x1000n)).set('compatible', strings('shared-dma-pool'));
    pools
      .add('off')
      .set('reg', cells(0x9000n, 0x1000n))
      .set('no-map', EMPTY)
      .set('status', strings('disabled'));
    pools.add('anywhere').set('size', cells(0x1000n)).set('no-map', EMPTY);
    reservations.push({ address: 0x9000_0000n, size: 0x1000n });
    const tree = { root, reservations, ...rest };
    expect(memoryRanges(tree)).toEqual([{ address: 0x8000_0000n, size: 0x1000_0000n }]);
    expect(reservedRanges(tree)).toEqual([
      { address: 0x9000_0000n, size: 0x1000n, by: '/memreserve/', isKept: true },
      { address: 0x8000_0000n, size: 0x1000n, by: '/reserved-memory/a@80000000', isKept: true },
      { address: 0x8000_1000n, size: 0x1000n, by: '/reserved-memory/b', isKept: true },
      { address: 0x8000_2000n, size: 0x1000n, by: '/reserved-memory/cma', isKept: false },
    ]);
  });
});
