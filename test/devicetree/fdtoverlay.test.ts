import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyOverlay,
  cloneTree,
  diffTrees,
  findLabel,
  findNode,
  label,
  labelsOf,
  OverlayBuilder,
  type OverlayReference,
  parseTree,
  phandleOf,
  printOverlay,
  readString,
  setLabel,
  strings,
  type Tree,
  type TreeNode,
  walk,
  writeTree,
} from '../../src/devicetree/index.js';
import { wiredTree } from './arbitrary.js';
import { dtc, fdtoverlay, hasDtc } from './dtc.js';
import { hostBlob, hostTree } from './fixtures/tegra234.js';

interface Part {
  readonly target: number;
  readonly byPath: boolean;
  readonly nodes: readonly { readonly name: string; readonly below: number; readonly isLabelled: boolean }[];
  readonly values: readonly {
    readonly on: number;
    readonly name: string;
    readonly words: readonly (number | { readonly local: number } | { readonly label: number })[];
  }[];
}

const part: fc.Arbitrary<Part> = fc.record({
  target: fc.nat(100),
  byPath: fc.boolean(),
  nodes: fc.array(
    fc.record({
      name: fc.constantFrom('cpu', 'uart@1', 'x', 'y'),
      below: fc.nat(10),
      isLabelled: fc.boolean(),
    }),
    { maxLength: 4 },
  ),
  values: fc.array(
    fc.record({
      on: fc.nat(10),
      name: fc.constantFrom('clocks', 'reg', 'new-one', 'other', 'data'),
      words: fc.array(
        fc.oneof(fc.nat(0xffff), fc.record({ local: fc.nat(10) }), fc.record({ label: fc.nat(100) })),
        { maxLength: 5 },
      ),
    }),
    { maxLength: 4 },
  ),
});

/** An overlay for a tree whose nodes all have labels, that refers to what has a phandle there and to nodes of its own. */
function overlayFor(tree: Tree, parts: readonly Part[]): OverlayBuilder {
  const overlay = new OverlayBuilder();
  const known = labelsOf(tree).filter((name) => phandleOf(findLabel(tree, name)!) !== undefined);
  // Only nodes that are the overlay's alone: fdtoverlay replaces the phandle of one that is there.
  const own: TreeNode[] = [];
  for (const { target, byPath, nodes, values } of parts) {
    const named = known[target % known.length];
    const path = named === undefined ? '/' : findLabel(tree, named)!.path;
    const content = overlay.fragment(byPath || named === undefined ? path : label(named));
    const here = [content];
    for (const { name, below, isLabelled } of nodes) {
      const node = here[below % here.length]!.ensure(`new-${overlay.fragments.length}-${name}`);
      if (here.includes(node)) continue;
      here.push(node);
      own.push(node);
      if (isLabelled) overlay.setLabel(`own${own.length}`, node);
    }
    for (const { on, name, words } of values) {
      const references = words.flatMap((word): (number | OverlayReference)[] => {
        if (typeof word === 'number') return [word];
        if ('local' in word) return own.length > 0 ? [own[word.local % own.length]!] : [];
        return known.length > 0 ? [label(known[word.label % known.length]!)] : [];
      });
      here[on % here.length]!.set(name, overlay.cells(...references));
    }
  }
  return overlay;
}

/** It names a fragment's target itself with a slash at the end. */
function tidySymbols(tree: Tree): Tree {
  for (const [name, value] of tree.root.child('__symbols__')?.properties ?? [])
    tree.root.child('__symbols__')!.set(name, strings(readString(value)!.replace(/(.)\/$/, '$1')));
  return tree;
}

const parts = fc.array(part, { minLength: 1, maxLength: 3 });

describe.skipIf(!hasDtc)('overlays, as dtc and fdtoverlay have them', () => {
  it('come to the same tree', () => {
    let applied = 0;
    fc.assert(
      fc.property(wiredTree, parts, (tree, all) => {
        const overlay = writeTree(overlayFor(tree, all).build());
        const theirs = fdtoverlay(writeTree(tree), overlay);
        // It stops where a wrong phandle of the random tree is 0xffffffff.
        if (theirs === undefined) return;
        applied++;
        const ours = cloneTree(tree);
        applyOverlay(ours, parseTree(overlay));
        expect(diffTrees(tidySymbols(parseTree(theirs)), ours)).toEqual([]);
      }),
      { numRuns: 100 },
    );
    expect(applied).toBeGreaterThan(85);
  });

  it('are made as dtc makes them of their source', () => {
    fc.assert(
      fc.property(wiredTree, parts, (tree, all) => {
        const overlay = overlayFor(tree, all);
        const theirs = dtc(printOverlay(overlay), 'dts', 'dtb', '-@', '-f');
        expect(Buffer.from(writeTree(overlay.build()))).toEqual(theirs);
      }),
      { numRuns: 60 },
    );
  });

  it('for an Orin come to the same tree', () => {
    const overlay = new OverlayBuilder();
    const gpu = overlay.fragment(label('gpu'));
    gpu.set('compatible', strings('nvidia,dummy')).set('iommus', overlay.cells(label('smmu_niso1'), 17));
    const pool = overlay.fragment('/reserved-memory').add('vm-cma@80000000');
    pool.set('reg', overlay.cells(0x8000_0000n, 0x1000_0000n));
    overlay.fragment(label('host1x')).set('memory-region', overlay.cells(pool));
    overlay.setLabel('vm_cma', pool);
    const ours = hostTree();
    applyOverlay(ours, overlay.build());
    const theirs = parseTree(fdtoverlay(hostBlob(), writeTree(overlay.build()))!);
    expect(diffTrees(theirs, ours)).toEqual([]);
    expect(diffTrees(hostTree(), ours).map(({ kind }) => kind)).toEqual([
      'node-added',
      'property-added',
      'property-changed',
      'property-added',
      'property-added',
    ]);
  });
});

describe('an overlay', () => {
  it('may be for what an earlier fragment of it adds', () => {
    const overlay = new OverlayBuilder();
    overlay.fragment('/').add('a');
    overlay.fragment('/a').set('status', strings('okay'));
    const tree = hasDtc ? hostTree() : parseTree(writeTree(overlay.build()));
    applyOverlay(tree, overlay.build());
    expect(readString(findNode(tree, '/a')?.get('status'))).toBe('okay');
  });

  it('leaves a node its phandle, and refers to it by that', () => {
    const base = parseTree(writeTree(new OverlayBuilder().build()));
    base.root.add('osc').set('phandle', Uint8Array.of(0, 0, 0, 5));
    setLabel(base, 'osc', findNode(base, '/osc')!);
    const overlay = new OverlayBuilder();
    const root = overlay.fragment('/');
    const osc = root.add('osc').set('status', strings('okay'));
    root.add('user').set('clocks', overlay.cells(osc));
    applyOverlay(base, overlay.build());
    expect(phandleOf(findNode(base, '/osc')!)).toBe(5);
    expect(findNode(base, '/user')?.get('clocks')).toEqual(Uint8Array.of(0, 0, 0, 5));
    expect([...walk(base.root)].filter((node) => phandleOf(node) !== undefined)).toHaveLength(1);
  });

  it('refers to its own nodes and to labels only', () => {
    const overlay = new OverlayBuilder();
    const other = parseTree(writeTree(overlay.build())).root.add('other');
    overlay.fragment('/').set('x', overlay.cells(other));
    expect(() => overlay.build()).toThrow('refers to /other, which is no node of the overlay');
    expect(() => label('a-b')).toThrow('no label: "a-b"');
    expect(() => overlay.fragment('serial0')).toThrow('a label or a path');
  });
});
