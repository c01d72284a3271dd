import { describe, expect, it } from 'vitest';
import {
  cells,
  danglingReferences,
  emptyTree,
  ensurePhandle,
  findNode,
  nextPhandle,
  phandleOf,
  readCells,
  readString,
  readStrings,
  removeNode,
  strings,
} from '../../src/devicetree/index.js';

describe('values', () => {
  it('are cells, the high one of an address first', () => {
    expect(readCells(cells(1, 0x1_0000_0002n, 0xffff_ffff))).toEqual([1, 1, 2, 0xffff_ffff]);
    expect(readCells(new Uint8Array(3))).toBeUndefined();
  });

  it('are strings, each with its end', () => {
    expect(readStrings(strings('a', 'bc'))).toEqual(['a', 'bc']);
    expect(readString(strings('a', 'bc'))).toBeUndefined();
    expect(readStrings(Uint8Array.of(0x61))).toBeUndefined();
    expect(readStrings(Uint8Array.of(0xff, 0))).toBeUndefined();
  });
});

describe('nodes', () => {
  it('are found by path, with or without an address where that is plain', () => {
    const tree = emptyTree();
    const soc = tree.root.add('soc');
    const first = soc.add('uart@1000');
    expect(findNode(tree, '/')).toBe(tree.root);
    expect(findNode(tree, '/soc/uart')).toBe(first);
    soc.add('uart@2000');
    expect(findNode(tree, '/soc/uart')).toBeUndefined();
    expect(findNode(tree, '/soc/uart@1000')?.path).toBe('/soc/uart@1000');
    expect(findNode(tree, 'soc')).toBeUndefined();
  });

  it('have names of their own', () => {
    const { root } = emptyTree();
    root.add('a');
    expect(() => root.add('a')).toThrow('already');
    for (const name of ['', 'a/b', 'a b', 'ä', 'x'.repeat(256)]) expect(() => root.add(name)).toThrow('name');
    expect(() => root.set('a/b', cells(1))).toThrow('name');
  });

  it('get phandles above those there are', () => {
    const tree = emptyTree();
    tree.root.add('a').set('phandle', cells(0x8005));
    const b = tree.root.add('b');
    expect(nextPhandle(tree)).toBe(0x8006);
    expect(ensurePhandle(tree, b)).toBe(0x8006);
    expect(ensurePhandle(tree, b)).toBe(phandleOf(b));
    tree.root.add('c').set('phandle', cells(0xffff_fffe));
    expect(() => nextPhandle(tree)).toThrow('no phandle left');
  });

  it('are removed with word of who misses them', () => {
    const tree = emptyTree();
    const clocks = tree.root.add('clocks').set('phandle', cells(1)).set('#clock-cells', cells(1));
    tree.root.add('other').set('phandle', cells(2)).set('#clock-cells', cells(0));
    tree.root
      .add('user')
      .set('clocks', cells(2, 1, 2, 1, 7))
      .set('interrupt-parent', cells(9));
    tree.root.add('pcie').set('msi-map', cells(0, 1, 0, 0x10000));
    const texts = (references: ReturnType<typeof removeNode>) =>
      references.map(({ from, property, phandle }) => `${from.path} ${property} ${phandle}`);
    // The 2 after <&clocks> is its cell, no phandle.
    expect(texts(danglingReferences(tree))).toEqual(['/user interrupt-parent 9']);
    expect(texts(removeNode(tree, clocks))).toEqual(['/user clocks 1', '/user clocks 1', '/pcie msi-map 1']);
    expect(findNode(tree, '/clocks')).toBeUndefined();
    expect(texts(danglingReferences(tree))).toContain('/user clocks 1');
  });
});
