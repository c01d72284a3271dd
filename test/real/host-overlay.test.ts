import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { cacheFolder, parseVmFile } from '../../src/config/index.js';
import { diffTrees, labelsOf, parseTree, writeTree } from '../../src/devicetree/index.js';
import { allowListOf, builtinProfiles, makeHostOverlay, selectDevices } from '../../src/passthrough/index.js';
import { makePlan } from '../../src/vm/plan/index.js';
import { dtc, dtcLint, fdtoverlay, hasDtc } from '../devicetree/dtc.js';

const folder = join(cacheFolder(), 'guest-kernel/current');
const trees = ['orin-agx', 'orin-nx'].map((name) => join(folder, `${name}.dtb`));
const isPrepared = trees.every((path) => existsSync(path));
if (!isPrepared) console.warn("SKIPPED: needs the Orin's device trees, which scripts/guest-kernel builds");

const file = fileURLToPath(new URL('../../examples/orin-gpu-vm.yaml', import.meta.url));
const config = parseVmFile(readFileSync(file, 'utf8'), { file });
const { name, platformDevices } = config;

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
    expect(labelsOf(parseTree(base)).length > 0).toBe(labels === 'with labels');
    const made = overlayFor(base, basename(path));
    const theirs = fdtoverlay(base, made.blob);
    expect(theirs).toBeDefined();
    expect(diffTrees(parseTree(theirs!), made.applied)).toEqual([]);
    expect(newWarnings(base, theirs!)).toEqual(['unique_unit_address']);
    expect(made.findings.filter(({ status }) => status === 'fail')).toEqual([]);
  });

  it('is the same as source, by dtc', () => {
    const made = overlayFor(blob, basename(path));
    expect(dtc(made.source, 'dts', 'dtb', '-@')).toEqual(Buffer.from(made.blob));
  });

  it('leaves gpuvm plan content with the host', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gpuvm-overlay-'));
    try {
      const hostTree = join(folder, 'applied.dtb');
      writeFileSync(hostTree, writeTree(overlayFor(blob, basename(path)).applied));
      const askQemu = async () => ['host', 'mmio-base'];
      const plan = await makePlan(config, { sysroot: folder, hostTree, askQemu });
      // All that is left is that NVIDIA's tree has two regions of the display a byte short.
      expect(plan.findings.map(({ status, device }) => [status, device])).toEqual([
        ['warn', '13800000.display'],
        ['warn', '13800000.display'],
        ['warn', undefined],
      ]);
      expect(plan.devices.map(({ host, regions }) => [host, regions?.length])).toEqual([
        ['60000000.vm_hs_p', 1],
        ['80000000.vm_cma_p', 1],
        ['100000000.vm_cma_vram_p', 1],
        ['17000000.gpu', 3],
        ['13e00000.host1x_pt', 3],
        ['15340000.vic', 1],
        ['15480000.nvdec', 1],
        ['15540000.nvjpg', 1],
        ['d800000.dce', 1],
        ['13800000.display', 4],
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** The names of the checks by which dtc has something against the one and not against the other; errors as they are. */
function newWarnings(before: Uint8Array, after: Uint8Array): string[] {
  const old = new Set(dtcLint(before, 'dtb'));
  const added = dtcLint(after, 'dtb').filter((line) => !old.has(line));
  return [...new Set(added.map((line) => /Warning \((\w+)\)/.exec(line)?.[1] ?? line))];
}

function withoutSymbols(blob: Uint8Array): string {
  const source = dtc(blob, 'dtb', 'dts').toString();
  return source.replace(/\n\t__symbols__ \{[^}]*\};\n/, '\n');
}
