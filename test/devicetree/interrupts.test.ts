import { describe, expect, it } from 'vitest';
import {
  cells,
  EMPTY,
  emptyTree,
  findNode,
  interruptsOf,
  mapInterrupt,
  phandlesOf,
  strings,
  type Tree,
  type TreeNode,
} from '../../src/devicetree/index.js';

function controller(node: TreeNode, phandle: number, size: number): TreeNode {
  return node
    .set('phandle', cells(phandle))
    .set('#interrupt-cells', cells(size))
    .set('interrupt-controller', EMPTY);
}

/** A GIC, behind it a PCIe bridge with its four lines turned by slot, and behind a nexus without addresses a device. */
function board(): Tree {
  const tree = emptyTree();
  const root = tree.root.set('interrupt-parent', cells(1));
  controller(root.add('gic'), 1, 3).set('#address-cells', cells(0));
  controller(root.add('gpio'), 2, 2);
  const line = (slot: number, pin: number, spi: number) => [slot << 11, 0, 0, pin, 1, 0, spi, 4];
  root
    .add('pcie@1')
    .set('device_type', strings('pci'))
    .set('phandle', cells(3))
    .set('#address-cells', cells(3))
    .set('#interrupt-cells', cells(1))
    .set('interrupt-map-mask', cells(0x1800, 0, 0, 7))
    .set('interrupt-map', cells(...line(0, 1, 10), ...line(0, 2, 11), ...line(1, 1, 11), ...line(1, 2, 10)))
    .add('nic@1,0')
    .set('reg', cells(0x0001_0800, 0, 0, 0, 0))
    .set('interrupts', cells(1));
  root
    .add('nexus')
    .set('#address-cells', cells(0))
    .set('#interrupt-cells', cells(1))
    .set('interrupt-map', cells(5, 2, 9, 8, 6, 3, 0x800, 0, 0, 2))
    .add('dev')
    .set('interrupts', cells(5, 6, 7));
  return tree;
}

const said = (tree: Tree, path: string) =>
  interruptsOf(findNode(tree, path)!, phandlesOf(tree))?.map(
    (each) => each && `${each.controller.name} ${each.cells.join(' ')}`,
  );

describe('interrupts', () => {
  it('go through a map, by its mask and the address of who raises them', () => {
    expect(said(board(), '/pcie/nic')).toEqual(['gic 0 11 4']);
    const tree = board();
    const nexus = findNode(tree, '/pcie')!;
    const to = (device: number, pin: number) =>
      mapInterrupt({ controller: nexus, cells: [pin] }, [device << 11, 0, 0], phandlesOf(tree))?.cells[1];
    // Of slots the mask leaves two bits: 4 is like 0.
    expect([to(0, 1), to(0, 2), to(1, 1), to(4, 2), to(2, 1)]).toEqual([10, 11, 11, 11, undefined]);
  });

  it('go through one map into another, each line by itself', () => {
    expect(said(board(), '/nexus/dev')).toEqual(['gpio 9 8', 'gic 0 10 4', undefined]);
  });

  it('are those of interrupts-extended before those of interrupts', () => {
    const tree = board();
    tree.root
      .add('both')
      .set('interrupts', cells(0, 1, 4))
      .set('interrupts-extended', cells(2, 7, 1, 1, 0, 99, 4));
    expect(said(tree, '/both')).toEqual(['gpio 7 1', 'gic 0 99 4']);
    tree.root.add('lost').set('interrupts-extended', cells(77, 1));
    expect(said(tree, '/lost')).toBeUndefined();
    tree.root.add('odd').set('interrupts', Uint8Array.of(1, 2));
    expect(said(tree, '/odd')).toBeUndefined();
    expect(said(tree, '/gic')).toEqual([]);
  });

  it('go round in no circle', () => {
    const tree = board();
    const [a, b] = ['a', 'b'].map((name) => tree.root.add(name).set('#interrupt-cells', cells(1)));
    a!.set('phandle', cells(11)).set('interrupt-parent', cells(12));
    b!.set('phandle', cells(12)).set('interrupt-parent', cells(11));
    const user = tree.root.add('user').set('interrupt-parent', cells(11)).set('interrupts', cells(1));
    expect(said(tree, '/user')).toEqual([undefined]);
    for (const node of [a!, b!]) node.set('#address-cells', cells(0));
    a!.set('interrupt-map', cells(1, 12, 1));
    b!.set('interrupt-map', cells(1, 11, 1));
    expect(said(tree, '/user')).toEqual([undefined]);
    // Without a controller among them.
    for (const node of [a!, b!]) node.properties.delete('#interrupt-cells');
    expect(said(tree, '/user')).toBeUndefined();
    user.set('phandle', cells(13)).set('interrupt-parent', cells(13));
    expect(said(tree, '/user')).toBeUndefined();
  });

  it('are at a controller that is switched on', () => {
    const tree = board();
    findNode(tree, '/gpio')!.set('status', strings('disabled'));
    expect(said(tree, '/nexus/dev')?.[0]).toBeUndefined();
  });
});
