import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cells,
  cloneTree,
  diffTrees,
  emptyTree,
  ensurePhandle,
  findNode,
  phandleOf,
  phandlesOf,
  referencesOf,
  rewire,
  setLabel,
  strings,
  type Tree,
  type TreeChange,
  walk,
} from '../../src/devicetree/index.js';
import { wiredTree } from './arbitrary.js';
import { hasDtc } from './dtc.js';
import { hostTree } from './fixtures/tegra234.js';

const said = (changes: readonly TreeChange[]) =>
  changes.map((change) =>
    'path' in change
      ? `${change.kind} ${change.path}${'property' in change ? ` ${change.property}` : ''}`
      : change.kind,
  );

function small(): Tree {
  const tree = emptyTree();
  tree.root.add('osc').set('#clock-cells', cells(0)).set('phandle', cells(1));
  tree.root.add('user').set('clocks', cells(1)).set('status', strings('okay'));
  return tree;
}

/** Gives each node another number, and has who refers to it know. */
function renumbered(tree: Tree): Tree {
  const phandles = phandlesOf(tree);
  const references = [...walk(tree.root)].flatMap((node) => [...referencesOf(node, phandles)]);
  for (const reference of references) if (reference.to) rewire(reference, 0x1000 - reference.phandle);
  for (const [phandle, node] of phandles) node.set('phandle', cells(0x1000 - phandle));
  return tree;
}

describe('the difference of two trees', () => {
  it('is told by path', () => {
    const after = small();
    findNode(after, '/user')!.set('status', strings('disabled')).set('reg', cells(1));
    findNode(after, '/user')!.properties.delete('clocks');
    after.root.add('more').add('below');
    findNode(after, '/osc')!.detach();
    after.bootCpu = 1;
    after.reservations.push({ address: 1n, size: 2n });
    expect(said(diffTrees(small(), after))).toEqual([
      'boot-cpu-changed',
      'reservation-added',
      'node-removed /osc',
      'property-removed /user clocks',
      'property-changed /user status',
      'property-added /user reg',
      'node-added /more',
    ]);
    expect(said(diffTrees(after, small()))).toContain('reservation-removed');
  });

  it('is none of order', () => {
    const [a, b] = [emptyTree(), emptyTree()];
    for (const name of ['x', 'y']) a.root.set(name, cells(1)).add(name);
    for (const name of ['y', 'x']) b.root.set(name, cells(1)).add(name);
    expect(diffTrees(a, b)).toEqual([]);
  });

  it('is none of numbering, where it is told by what is referred to', () => {
    const after = renumbered(small());
    expect(said(diffTrees(small(), after))).toEqual([
      'property-changed /osc phandle',
      'property-changed /user clocks',
    ]);
    expect(diffTrees(small(), after, { byTarget: true })).toEqual([]);
    // The same number, but of another node.
    const swapped = small();
    findNode(swapped, '/osc')!.set('phandle', cells(2));
    swapped.root.add('other').set('#clock-cells', cells(0)).set('phandle', cells(1));
    expect(said(diffTrees(small(), swapped, { byTarget: true }))).toEqual([
      'property-changed /user clocks',
      'node-added /other',
    ]);
  });

  it('is none of a copy, whatever the tree', () => {
    fc.assert(
      fc.property(wiredTree, (tree) => {
        expect(diffTrees(tree, cloneTree(tree))).toEqual([]);
        expect(diffTrees(tree, cloneTree(tree), { byTarget: true })).toEqual([]);
      }),
    );
  });

  it.skipIf(!hasDtc)("is none of numbering for an Orin's tree", () => {
    const after = renumbered(hostTree());
    expect(diffTrees(hostTree(), after).length).toBeGreaterThan(150);
    expect(diffTrees(hostTree(), after, { byTarget: true })).toEqual([]);
    const more = hostTree();
    setLabel(more, 'new', more.root.add('new'));
    expect(ensurePhandle(more, findNode(more, '/new')!)).toBe(phandleOf(findNode(more, '/new')!));
    expect(said(diffTrees(hostTree(), more, { byTarget: true }))).toEqual([
      'property-added /__symbols__ new',
      'node-added /new',
    ]);
  });
});
