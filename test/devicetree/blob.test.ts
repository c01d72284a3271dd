import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cells,
  emptyTree,
  findNode,
  parseTree,
  strings,
  type Tree,
  walk,
  writeTree,
} from '../../src/devicetree/index.js';
import { arbitraryTree } from './arbitrary.js';
import { dtc, hasDtc } from './dtc.js';

const plain = (tree: Tree) => ({
  nodes: [...walk(tree.root)].map((node) => [node.path, [...node.properties]]),
  reservations: tree.reservations,
  bootCpu: tree.bootCpu,
});

function small(): Tree {
  const tree = emptyTree();
  tree.root.set('compatible', strings('a,b', 'c,d')).set('#address-cells', cells(2));
  tree.root
    .add('soc')
    .add('uart@9000000')
    .set('reg', cells(0x9000000n, 0x1000n))
    .set('status', strings('okay'));
  tree.reservations.push({ address: 1n << 40n, size: 4096n });
  return tree;
}

describe('a blob', () => {
  it('holds what the tree held, whatever that was', () => {
    fc.assert(
      fc.property(arbitraryTree, (tree) => {
        expect(plain(parseTree(writeTree(tree)))).toEqual(plain(tree));
      }),
    );
  });

  it('is read in version 16 too, and inside a larger file', () => {
    const blob = writeTree(small());
    const older = new Uint8Array(blob.length + 4096);
    older.set(blob);
    const view = new DataView(older.buffer);
    view.setUint32(20, 16);
    view.setUint32(36, 0xffff_ffff);
    expect(plain(parseTree(older))).toEqual(plain(small()));
  });

  it('is refused with what is wrong with it', () => {
    const blob = writeTree(small());
    const changed = (at: number, word: number) => {
      const copy = blob.slice();
      new DataView(copy.buffer).setUint32(at, word);
      return () => parseTree(copy, { file: 'x.dtb' });
    };
    expect(() => parseTree(new Uint8Array(10))).toThrow('only 10 bytes');
    expect(() => parseTree(blob.subarray(0, -1))).toThrow('cut off');
    expect(changed(0, 0)).toThrow('x.dtb: no device tree blob');
    expect(changed(20, 0)).toThrow('version 0');
    expect(changed(24, 18)).toThrow('1 to 17 can be read');
    expect(changed(4, blob.length + 1)).toThrow('cut off');
    expect(changed(8, 3)).toThrow('structure');
    expect(changed(12, blob.length)).toThrow('strings');
    expect(changed(16, 0xffff_fff8)).toThrow('reservations');
    expect(changed(32, 0xffff_ffff)).toThrow('strings');
    expect(changed(36, 0xffff_fffc)).toThrow('structure');
  });
});

describe.skipIf(!hasDtc)('with dtc', () => {
  it('reads what we write', () => {
    fc.assert(
      fc.property(arbitraryTree, (tree) => {
        const blob = writeTree(tree);
        // -f: it judges contents too, and random bytes are seldom a proper reg.
        expect(plain(parseTree(dtc(blob, 'dtb', 'dtb', '-f')))).toEqual({
          ...plain(tree),
          bootCpu: tree.bootCpu,
        });
      }),
      { numRuns: 40 },
    );
  });

  it('writes what we write, byte for byte', () => {
    const source = `/dts-v1/; /memreserve/ 0x1000 0x2000; / { compatible = "x"; #size-cells = <1>; a { size-cells;
      label: b@1 { reg = <1>; cells = <&label 2>; data = [01 02 03]; }; }; aliases { b0 = &label; }; };`;
    const blob = dtc(source, 'dts', 'dtb', '-@');
    const tree = parseTree(blob);
    expect(Buffer.from(writeTree(tree))).toEqual(blob);
    expect(findNode(tree, '/a/b')?.path).toBe('/a/b@1');
  });
});
