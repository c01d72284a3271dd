import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { diffTrees, readLiveTree, type Tree, type TreeNode } from '../../src/devicetree/index.js';
import { hasDtc } from './dtc.js';
import { hostTree } from './fixtures/tegra234.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gpuvm-live-'));
});
afterEach(() => rmSync(root, { recursive: true }));

/** As the kernel shows a tree: with each node's name as a property too. */
function show({ root: top }: Tree, folder: string): void {
  const fill = (node: TreeNode, path: string) => {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'name'), `${node.name.replace(/@.*/, '')}\0`);
    for (const [name, value] of node.properties) writeFileSync(join(path, name), value);
    for (const child of node.children) fill(child, join(path, child.name));
  };
  fill(top, join(root, folder));
}

describe("the running kernel's tree", () => {
  it.skipIf(!hasDtc)('is what it was made from, but for what only the blob says', () => {
    const tree = hostTree();
    show(tree, 'sys/firmware/devicetree/base');
    mkdirSync(join(root, 'proc'));
    symlinkSync('/sys/firmware/devicetree/base', join(root, 'proc/device-tree'));
    const live = readLiveTree(root)!;
    expect(live.from).toBe(join(root, 'sys/firmware/devicetree/base'));
    expect(live.unreadable).toEqual([]);
    expect(diffTrees({ ...tree, reservations: [] }, live.tree)).toEqual([]);
  });

  it('is not there on a host without one', () => {
    expect(readLiveTree(root)).toBeUndefined();
  });

  it('follows no links, and says what it could not read', () => {
    const folder = join(root, 'proc/device-tree');
    mkdirSync(join(folder, 'a'), { recursive: true });
    symlinkSync('..', join(folder, 'a/loop'));
    symlinkSync('/etc/passwd', join(folder, 'secret'));
    writeFileSync(join(folder, 'a/serial-number'), 'x');
    chmodSync(join(folder, 'a/serial-number'), 0);
    const { tree, unreadable } = readLiveTree(root)!;
    expect([...tree.root.properties.keys()]).toEqual([]);
    expect([...tree.root.children].map(({ path }) => path)).toEqual(['/a']);
    // Root reads it all the same.
    const isRoot = process.geteuid?.() === 0;
    expect(unreadable).toEqual(isRoot ? [] : ['/a/serial-number']);
  });

  it('is no tree where it goes too deep or is too large', () => {
    const folder = join(root, 'proc/device-tree');
    mkdirSync(join(folder, 'd/'.repeat(64)), { recursive: true });
    expect(() => readLiveTree(root)).toThrow('nodes deeper than 64');
    rmSync(join(folder, 'd'), { recursive: true });
    writeFileSync(join(folder, 'big'), new Uint8Array(9 << 20));
    expect(() => readLiveTree(root)).toThrow(`${folder}: this is no device tree: too large`);
  });
});
