import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cells,
  diffTrees,
  emptyTree,
  findNode,
  parseTree,
  type Tree,
  type TreeVersion,
  writeTree,
} from '../../src/devicetree/index.js';
import { arbitraryTree, wiredTree } from './arbitrary.js';
import { dtc, fdtget, hasDtc } from './dtc.js';
import { hostBlob, hostTree } from './fixtures/tegra234.js';

const versions: readonly TreeVersion[] = [1, 2, 3, 16, 17];
/** Version 1 has no word for the CPU that boots. */
const held = (tree: Tree, version: TreeVersion): Tree => (version === 1 ? { ...tree, bootCpu: 0 } : tree);

describe('each version of the format', () => {
  it('holds what the tree held', () => {
    fc.assert(
      fc.property(arbitraryTree, fc.constantFrom(...versions), (tree, version) => {
        // Old ones tell a node's name by a property of that name.
        tree.root.properties.delete('name');
        expect(diffTrees(held(tree, version), parseTree(writeTree(tree, { version })))).toEqual([]);
      }),
    );
  });

  it('has names of old nodes checked', () => {
    const blob = Buffer.from(writeTree(small(), { version: 3 }));
    blob.write('/x', blob.indexOf('/soc/uart'), 'latin1');
    expect(() => parseTree(blob)).toThrow('is not below /soc (at byte');
  });
});

describe.skipIf(!hasDtc)('each version of the format, with dtc', () => {
  it("is written as dtc's, and read from it, for the host's tree", () => {
    for (const version of versions) {
      const theirs = dtc(hostBlob(), 'dtb', 'dtb', '-V', version.toString());
      expect(theirs.equals(writeTree(hostTree(), { version })), `version ${version}`).toBe(true);
      expect(diffTrees(parseTree(theirs), hostTree())).toEqual([]);
    }
  });

  it("is written as dtc's, for any tree", () => {
    fc.assert(
      fc.property(fc.oneof(arbitraryTree, wiredTree), fc.constantFrom(...versions), (tree, version) => {
        const theirs = dtc(writeTree(tree), 'dtb', 'dtb', '-f', '-V', version.toString());
        expect(theirs).toEqual(Buffer.from(writeTree(tree, { version })));
      }),
      { numRuns: 60 },
    );
  });

  it('has the values that fdtget reads', () => {
    const paths = ['/bus@0/host1x@13e00000/vic@15340000', '/bus@0/gpu@17000000', '/memory@80000000'];
    for (const path of paths) {
      for (const [name, value] of findNode(hostTree(), path)!.properties) {
        if (value.length === 0) continue;
        const bytes = [...value].map((byte) => byte.toString(16)).join(' ');
        expect(fdtget(hostBlob(), path, name, 'bx'), `${path} ${name}`).toBe(bytes);
      }
    }
  });
});

function small(): Tree {
  const tree = emptyTree();
  tree.root
    .add('soc')
    .add('uart@9000000')
    .set('reg', cells(1, 2, 3));
  return tree;
}
