import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { cacheFolder, parseVmFile } from '../../src/config/index.js';
import { diffTrees, parseTree } from '../../src/devicetree/index.js';
import { allowListOf, builtinProfiles, makeHostOverlay, selectDevices } from '../../src/passthrough/index.js';
import { dtc, dtcLint, fdtoverlay, hasDtc } from '../devicetree/dtc.js';

const folder = join(cacheFolder(), 'guest-kernel/current');
const trees = ['orin-agx', 'orin-nx'].map((name) => join(folder, `${name}.dtb`));
const isPrepared = trees.every((path) => existsSync(path));
if (!isPrepared) console.warn("SKIPPED: needs the Orin's device trees, which scripts/guest-kernel builds");

const file = fileURLToPath(new URL('../../examples/orin-gpu-vm.yaml', import.meta.url));
const { name, platformDevices } = parseVmFile(readFileSync(file, 'utf8'), { file });

function overlayFor(blob: Uint8Array, from: string) {
  const tree = parseTree(blob);
  const wanted = platformDevices.map(({ host, mmioBase }) => ({
    name: host,
    isCarveOut: mmioBase !== undefined,
  }));
  const allowList = allowListOf(tree, selectDevices(tree, wanted, builtinProfiles));
  return makeHostOverlay({
    tree,
    from,
    vm: name,
    devices: platformDevices,
    profiles: builtinProfiles,
    allowList,
  });
}

describe.skipIf(!isPrepared || !hasDtc).each(trees)('the overlay for %s', (path) => {
  const blob = isPrepared ? readFileSync(path) : Buffer.alloc(0);

  /** The tree as the kernel builds it, and as it is without labels. */
  it.each(['with labels', 'without'])('comes to the same by fdtoverlay, %s', (labels) => {
    const base = labels === 'without' ? dtc(withoutSymbols(blob), 'dts', 'dtb') : blob;
    const made = overlayFor(base, basename(path));
    const theirs = fdtoverlay(base, made.blob);
    expect(theirs).toBeDefined();
    expect(diffTrees(parseTree(theirs!), made.applied)).toEqual([]);
    // Only warnings of the tree's own kind, and of two nodes with one address.
    expect(dtcLint(theirs!, 'dtb').filter((line) => !line.includes('Warning'))).toEqual([]);
    expect(made.findings.filter(({ status }) => status === 'fail')).toEqual([]);
  });

  it('is the same as source, by dtc', () => {
    const made = overlayFor(blob, basename(path));
    expect(diffTrees(parseTree(dtc(made.source, 'dts', 'dtb', '-@')), parseTree(made.blob))).toEqual([]);
  });
});

function withoutSymbols(blob: Uint8Array): string {
  const source = dtc(blob, 'dtb', 'dts').toString();
  return source.replace(/\n\t__symbols__ \{[^}]*\};\n/, '\n');
}
