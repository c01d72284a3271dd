import { describe, expect, it } from 'vitest';
import {
  applyOverlay,
  danglingReferences,
  findNode,
  label,
  OverlayBuilder,
  parseTree,
  phandleOf,
  printOverlay,
  readCells,
  readString,
  walk,
  writeTree,
} from '../../src/devicetree/index.js';
import { dtc, hasDtc } from './dtc.js';

const base = `/dts-v1/; / { compatible = "base";
  bpmp: bpmp { #clock-cells = <1>; };
  gic: intc@8000000 { phandle = <0x8005>; };
};`;
const tree = () => parseTree(dtc(base, 'dts', 'dtb', '-@'));
const overlay = (source: string) => parseTree(dtc(`/dts-v1/; /plugin/; ${source}`, 'dts', 'dtb', '-@'));

describe.skipIf(!hasDtc)('an overlay', () => {
  it('adds nodes that refer to labels of the tree and to each other', () => {
    const into = tree();
    applyOverlay(
      into,
      overlay(`&{/} { compatible = "more"; bus { osc: osc { #clock-cells = <0>; };
        dev@1 { clocks = <&bpmp 41>, <&osc>, <&bpmp 42>; interrupt-parent = <&gic>; }; }; };
      &bpmp { i2c { label = "below"; }; };`),
    );
    const bpmp = phandleOf(findNode(into, '/bpmp')!)!;
    const osc = phandleOf(findNode(into, '/bus/osc')!)!;
    expect(osc).toBeGreaterThan(0x8005);
    expect(readCells(findNode(into, '/bus/dev')?.get('clocks'))).toEqual([bpmp, 41, osc, bpmp, 42]);
    expect(readCells(findNode(into, '/bus/dev')?.get('interrupt-parent'))).toEqual([0x8005]);
    expect(readString(into.root.get('compatible'))).toBe('more');
    expect(readString(findNode(into, '/bpmp/i2c')?.get('label'))).toBe('below');
    expect(danglingReferences(into)).toEqual([]);
    const phandles = [...walk(into.root)].map(phandleOf).filter((phandle) => phandle !== undefined);
    expect(new Set(phandles).size).toBe(phandles.length);
    expect([...into.root.children].map(({ name }) => name)).not.toContain('__fixups__');
  });

  it('keeps its phandles apart from those that the tree’s nodes are given for it', () => {
    const into = tree();
    for (const name of ['phandle', 'linux,phandle']) findNode(into, '/bpmp')!.properties.delete(name);
    applyOverlay(into, overlay('&{/} { osc: osc { clocks = <&bpmp 1>; }; };'));
    expect(phandleOf(findNode(into, '/osc')!)).not.toBe(phandleOf(findNode(into, '/bpmp')!));
  });

  it('offers its own labels to the next', () => {
    const into = tree();
    applyOverlay(into, overlay('&{/} { osc: osc { #clock-cells = <0>; }; };'));
    applyOverlay(into, overlay('&osc { status = "okay"; }; &{/} { user { clocks = <&osc>; }; };'));
    const osc = findNode(into, '/osc')!;
    expect(readString(osc.get('status'))).toBe('okay');
    expect(readCells(findNode(into, '/user')?.get('clocks'))).toEqual([phandleOf(osc)]);
  });

  it('is refused where it does not fit', () => {
    expect(() => applyOverlay(tree(), overlay('&{/} { a { clocks = <&bpnp 1>; }; };'), 'x.dtbo')).toThrow(
      'x.dtbo: the overlay refers to &bpnp, a label that the device tree has not: did you mean &bpmp?',
    );
    expect(() => applyOverlay(tree(), overlay('&{/nowhere} { a; };'))).toThrow('is for /nowhere');
    expect(() => applyOverlay(tree(), tree())).toThrow('holds no fragment');
  });

  it('is refused where its fixups lie', () => {
    const lying = [
      '/dts-v1/; / { fragment@0 { target-path = "/"; __overlay__ { }; }; __fixups__ { bpmp = "/fragment@0:x:0"; }; };',
      '/dts-v1/; / { fragment@0 { target = <0>; __overlay__ { }; }; __fixups__ { bpmp = "/fragment@0:target:4"; }; };',
      '/dts-v1/; / { fragment@0 { x = <1>; __overlay__ { }; }; __local_fixups__ { fragment@0 { x = <2>; }; }; };',
      '/dts-v1/; / { fragment@0 { __overlay__ { }; }; __local_fixups__ { elsewhere { x = <0>; }; }; };',
      '/dts-v1/; / { fragment@0 { __overlay__ { phandle = <0xfffffff0>; }; }; };',
      '/dts-v1/; / { fragment@0 { target = <77>; __overlay__ { }; }; };',
    ];
    for (const source of lying) {
      expect(() => applyOverlay(tree(), parseTree(dtc(source, 'dts', 'dtb', '-f')))).toThrow('the overlay');
    }
  });
});

describe("an overlay's source", () => {
  const made = new OverlayBuilder();
  const bpmp = made.fragment(label('bpmp'));
  const node = bpmp.add('user').set('clocks', made.cells(label('bpmp'), 41));
  const source = printOverlay(made, {
    nameOf: (each, property) => (each === node && property === 'clocks' ? 'GPC0CLK' : undefined),
    remarksOf: (each) => (each === bpmp ? ['for all'] : ['two lines,', 'and */ no end']),
  });

  it('says above a node and behind a property what there is to say', () => {
    expect(source.split('\n').slice(3)).toEqual([
      '/* for all */',
      '&bpmp {',
      '\t/* two lines,',
      '\t * and * / no end */',
      '\tuser {',
      '\t\tclocks = <&bpmp 0x29>; /* GPC0CLK */',
      '\t};',
      '};',
      '',
    ]);
  });

  it.skipIf(!hasDtc)('is the same to dtc', () => {
    expect(dtc(source, 'dts', 'dtb', '-@')).toEqual(Buffer.from(writeTree(made.build())));
  });
});
