import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cacheFolder } from '../../src/config/index.js';
import { cells, ensurePhandle, findNode, parseTree, type Tree, walk } from '../../src/devicetree/index.js';
import { allowListOf, analyze, builtinProfiles, shortNameOf } from '../../src/passthrough/index.js';
import { FIVE, select, UNION } from '../passthrough/devices.js';

const folder = join(cacheFolder(), 'guest-kernel/current');
const boards = ['orin-agx', 'orin-nx'];
const isPrepared = boards.every((board) => existsSync(join(folder, `${board}.dtb`)));
if (!isPrepared) console.warn("SKIPPED: needs the Orin's device trees, which scripts/guest-kernel builds");

describe.skipIf(!isPrepared).each(boards)('of %s', (board) => {
  const treeOf = () => parseTree(readFileSync(join(folder, `${board}.dtb`)));
  const analyzed = (tree: Tree, ...names: readonly string[]) =>
    analyze(tree, select(tree, ...names), builtinProfiles);

  it('the allow-list is the union, also where only the profiles know a device', () => {
    const tree = treeOf();
    const list = allowListOf(tree, select(tree, ...FIVE));
    for (const kind of ['clocks', 'resets', 'powerDomains'] as const)
      expect(list[kind].map(({ id }) => id)).toEqual(UNION[kind]);
    const all = [...list.clocks, ...list.resets, ...list.powerDomains];
    expect(all.filter(({ shared }) => shared).map(({ name, usedBy }) => [name, usedBy])).toEqual([
      ['FUSE', ['fuse@3810000']],
    ]);
    expect(list.clocks[0]?.reason).toBe('gpu@17000000: profile gpu "sysclk" (this tree has no node of it)');
    expect(list.clocks[4]?.reason).toBe(
      'host1x@13e00000: profile host1x "actmon" (this tree does not say it)',
    );
  });

  it('host1x has all that is in it, each with its stream', () => {
    const { related } = analyzed(treeOf(), 'host1x');
    expect(related.map(({ node, relation, consequence }) => [node.name, relation, consequence])).toEqual([
      ['vic@15340000', 'child', 'gone'],
      ['nvdec@15480000', 'child', 'none'],
      ['crypto@15820000', 'child', 'gone'],
      ['crypto@15840000', 'child', 'gone'],
    ]);
  });

  it("PCIe endpoints are found where they refer to host1x, as in NVIDIA's own tree", () => {
    const tree = treeOf();
    const phandle = ensurePhandle(tree, findNode(tree, '/bus@0/host1x@13e00000')!);
    const endpoints = [...walk(tree.root)].filter(({ name }) => name.startsWith('pcie-ep@'));
    expect(endpoints.length).toBeGreaterThan(0);
    for (const endpoint of endpoints) endpoint.set('nvidia,host1x', cells(phandle));
    const found = analyzed(tree, 'host1x').related.filter(({ relation }) => relation === 'refers');
    expect(found.map(({ node }) => node)).toEqual(endpoints);
  });

  it('other devices can be analyzed, each by itself', () => {
    const tree = treeOf();
    const nodes = [...walk(tree.root)].filter((node) => node.parent?.path === '/bus@0');
    for (const node of nodes.filter((_, at) => at % 8 === 0)) {
      const { devices } = analyzed(tree, node.path);
      expect(devices[0]?.device.node).toBe(node);
      expect(allowListOf(tree, [devices[0]!.device]).clocks.every(({ name }) => !/^\d+$/.test(name))).toBe(
        true,
      );
    }
  });

  it('the console and its UART hang together', () => {
    const { related } = analyzed(treeOf(), '/serial');
    expect(related.map(({ node, relation }) => [shortNameOf(node), relation])).toContainEqual([
      'chosen',
      'console',
    ]);
  });
});
