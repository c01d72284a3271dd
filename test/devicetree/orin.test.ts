import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  applyOverlay,
  danglingReferences,
  diffTrees,
  duplicatePhandles,
  interruptsOf,
  label,
  OverlayBuilder,
  parseTree,
  phandlesOf,
  platformNameOf,
  printTree,
  strings,
  walk,
  writeTree,
} from '../../src/devicetree/index.js';
import { dtc, fdtoverlay, hasDtc } from './dtc.js';
import { hostBlob } from './fixtures/tegra234.js';

/** GPUVM_ORIN_TREES=/folder: its .dtb files, real trees of Tegra234 boards made by `dtc -@`, are looked at as well. */
const folder = process.env.GPUVM_ORIN_TREES;
const real =
  folder === undefined
    ? []
    : readdirSync(folder)
        .filter((name) => name.endsWith('.dtb'))
        .map((name) => ({ name, read: () => readFileSync(join(folder, name)) }));

describe.skipIf(!hasDtc)("an Orin's tree", () => {
  describe.each([{ name: 'the one of these tests', read: hostBlob }, ...real])('$name', ({ read }) => {
    it('is read and written back byte for byte, as by dtc', () => {
      expect(read().equals(writeTree(parseTree(read())))).toBe(true);
      expect(dtc(read(), 'dtb', 'dtb').equals(writeTree(parseTree(read())))).toBe(true);
    });

    it('is printed as source that makes it again', () => {
      const tree = parseTree(read());
      const source = printTree(tree);
      expect(source).toContain('clocks = <&bpmp 0x');
      expect(dtc(source, 'dts', 'dtb', '-b', tree.bootCpu.toString()).equals(read())).toBe(true);
    });

    it('refers to what is there, and has each interrupt at a controller', () => {
      const tree = parseTree(read());
      expect(danglingReferences(tree)).toEqual([]);
      expect(duplicatePhandles(tree)).toEqual(new Map());
      const phandles = phandlesOf(tree);
      for (const node of walk(tree.root)) {
        const interrupts = interruptsOf(node, phandles);
        expect(interrupts, node.path).toBeDefined();
        expect(interrupts, node.path).not.toContain(undefined);
      }
    });

    it('takes an overlay as fdtoverlay has it do', () => {
      const overlay = new OverlayBuilder();
      overlay
        .fragment(label('gpcdma'))
        .set('compatible', strings('nvidia,dummy'))
        .set('iommus', overlay.cells(label('smmu_niso1'), 52));
      const root = overlay.fragment('/');
      root.add('user').set('clocks', overlay.cells(label('bpmp'), 167, root.add('osc')));
      const blob = writeTree(overlay.build());
      const tree = parseTree(read());
      applyOverlay(tree, parseTree(blob));
      expect(diffTrees(parseTree(fdtoverlay(read(), blob)!), tree)).toEqual([]);
    });

    it('has its devices where Linux finds them', () => {
      const names = [...walk(parseTree(read()).root)].map(platformNameOf);
      for (const name of ['3810000.fuse', '13e00000.host1x', '15340000.vic']) expect(names).toContain(name);
    });
  });
});
