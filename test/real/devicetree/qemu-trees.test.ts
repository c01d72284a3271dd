import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  danglingReferences,
  interruptsOf,
  parseTree,
  phandlesOf,
  printTree,
  walk,
  writeTree,
} from '../../../src/devicetree/index.js';
import { dtc, hasDtc } from '../../devicetree/dtc.js';

const QEMU = 'qemu-system-aarch64';
const hasQemu = spawnSync(QEMU, ['--version'], { timeout: 10_000 }).status === 0;
const folder = mkdtempSync(join(tmpdir(), 'gpuvm-trees-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The tree that QEMU makes for a machine: by libfdt, in a megabyte, its names in another order than dtc's. */
function dumped(machine: string): Buffer {
  const file = join(folder, 'dumped.dtb');
  const args = ['-M', `${machine},dumpdtb=${file}`, '-cpu', 'cortex-a57', '-smp', '4', '-display', 'none'];
  const { status, stderr } = spawnSync(QEMU, args, { encoding: 'utf8', timeout: 60_000 });
  if (status !== 0) throw new Error(`${QEMU}: ${stderr}`);
  return readFileSync(file);
}

describe.skipIf(!hasDtc || !hasQemu)('the tree that QEMU makes', () => {
  it.each(['virt,gic-version=2', 'virt,gic-version=3', 'virt,gic-version=3,secure=on,iommu=smmuv3'])(
    'for %s is read and written as by dtc',
    (machine) => {
      const blob = dumped(machine);
      const tree = parseTree(blob);
      const theirs = dtc(blob, 'dtb', 'dtb');
      expect(theirs.equals(writeTree(tree))).toBe(true);
      expect(dtc(printTree(tree), 'dts', 'dtb', '-b', tree.bootCpu.toString()).equals(theirs)).toBe(true);
      expect(danglingReferences(tree)).toEqual([]);
      const phandles = phandlesOf(tree);
      for (const node of walk(tree.root))
        expect(interruptsOf(node, phandles), node.path).not.toContain(undefined);
    },
  );
});
