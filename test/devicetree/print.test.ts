import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cells,
  EMPTY,
  emptyTree,
  guessValue,
  printTree,
  strings,
  type Tree,
  writeTree,
} from '../../src/devicetree/index.js';
import { arbitraryTree, wiredTree } from './arbitrary.js';
import { dtc, hasDtc } from './dtc.js';
import { hostBlob, hostTree } from './fixtures/tegra234.js';

const compiled = (tree: Tree, source: string) =>
  // -f: dtc judges contents too, and random bytes are seldom a proper reg.
  dtc(source, 'dts', 'dtb', '-f', '-b', tree.bootCpu.toString());

describe('a value', () => {
  it('is taken for what dtc takes it for', () => {
    const guess = (...bytes: number[]) => guessValue(Uint8Array.from(bytes)).kind;
    expect(guess()).toBe('empty');
    expect(guess(0x61, 0)).toBe('strings');
    expect(guess(0x61, 0, 0x62, 0)).toBe('strings');
    expect(guess(0, 0x61, 0, 0)).toBe('cells');
    expect(guess(0, 0, 0, 1)).toBe('cells');
    expect(guess(0x61, 0x62, 0x63)).toBe('bytes');
    expect(guess(0x61, 0x80, 0)).toBe('bytes');
  });
});

describe('source', () => {
  it('has labels, references, and names for what they mean', () => {
    const tree = emptyTree();
    tree.root.add('bpmp').set('#clock-cells', cells(1)).set('phandle', cells(3));
    tree.root.add('osc@1').set('#clock-cells', cells(0)).set('phandle', cells(4));
    tree.root
      .add('gpu')
      .set('clocks', cells(3, 304, 0, 4))
      .set('names', strings('a"\\\n', ''))
      .set('dma-coherent', EMPTY);
    tree.root.add('__symbols__').set('bpmp', strings('/bpmp'));
    tree.reservations.push({ address: 0x1000n, size: 0x20n });
    const text = printTree(tree, {
      nameOf: ({ property, args }) => (property === 'clocks' && args[0] === 304 ? 'GPU */ SYS' : undefined),
    });
    expect(text).toContain('/memreserve/ 0x1000 0x20;\n');
    expect(text).toContain('\tbpmp: bpmp {\n\t\t#clock-cells = <0x01>;\n\t\tphandle = <0x03>;\n\t};\n');
    expect(text).toContain('clocks = <&bpmp 0x130 /* GPU * / SYS */>, <0x00>, <&{/osc@1}>;');
    expect(text).toContain('names = "a\\"\\\\\\n", "";\n\t\tdma-coherent;');
    expect(printTree(tree, { references: false })).toContain('clocks = <0x03 0x130 0x00 0x04>;');
  });

  it('is not made of names that it could not have', () => {
    const tree = emptyTree();
    tree.root.add('a').set('x!', EMPTY);
    expect(() => printTree(tree)).toThrow('/a: "x!" cannot be written as source');
  });
});

describe.skipIf(!hasDtc)('source, with dtc', () => {
  it('makes the same blob again, whatever the tree', () => {
    fc.assert(
      fc.property(fc.oneof(arbitraryTree, wiredTree), (tree) => {
        expect(compiled(tree, printTree(tree))).toEqual(Buffer.from(writeTree(tree)));
      }),
      { numRuns: 120 },
    );
  });

  it("makes the host's blob again, with references, with numbers, and with comments", () => {
    const tree = hostTree();
    const nameOf = ({ property }: { property: string }) => `of ${property}`;
    for (const options of [{}, { references: false }, { nameOf }, { references: false, nameOf }])
      expect(compiled(tree, printTree(tree, options)).equals(hostBlob())).toBe(true);
    expect(printTree(tree)).toContain('interrupt-map = <0x00 0x00 0x00 0x00 &gic 0x00 0x33 0x04>;');
  });
});
