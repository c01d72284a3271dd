import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseVmFile } from '../../../src/config/index.js';
import {
  cells,
  EMPTY,
  emptyTree,
  strings,
  type Tree,
  type TreeNode,
  writeTree,
} from '../../../src/devicetree/index.js';

export const folder = mkdtempSync(join(tmpdir(), 'gpuvm-plan-'));
export const cleanUp = () => rmSync(folder, { recursive: true, force: true });

export function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** A VM file with these devices, and its configuration. */
export function vm(devices: string, more = '') {
  const text = `name: vm\nmachine: virt\nmemory: 4G\n${more}platformDevices:\n${devices}\n`;
  const path = file('vm.yaml', text);
  return parseVmFile(text, { file: path });
}

function twoCells(node: TreeNode): TreeNode {
  return node.set('#address-cells', cells(2)).set('#size-cells', cells(2));
}

/** A small Orin: its GPU, an engine behind host1x, and two carve-outs, one of them reserved. */
export function orin(): Tree {
  const tree = emptyTree();
  const root = twoCells(tree.root).set('interrupt-parent', cells(1));
  root.add('gic').set('phandle', cells(1)).set('#interrupt-cells', cells(3));
  const bus = twoCells(root.add('bus@0')).set('ranges', cells(0n, 0n, 0x100_0000_0000n));
  bus
    .add('gpu@17000000')
    .set('reg', cells(0x1700_0000n, 0x100_0000n, 0x1800_0000n, 0x100_0000n))
    .set('interrupts', cells(0, 68, 4, 0, 70, 4, 0, 71, 4));
  const host1x = twoCells(bus.add('host1x@13e00000'))
    .set('reg', cells(0x13e0_0000n, 0x1_0000n))
    .set('ranges', cells(0x1480_0000n, 0x1480_0000n, 0x200_0000n));
  host1x
    .add('vic@15340000')
    .set('reg', cells(0x1534_0000n, 0x4_0000n))
    .set('interrupts', cells(0, 206, 4));
  host1x.add('nvdec@15480000').set('reg', cells(0x1548_0000n, 0x4_0000n)).set('status', strings('disabled'));
  for (const [name, address, size] of [
    ['vm_cma_p', 0x8000_0000n, 0x3000_0000n],
    ['vm_cma_vram_p', 0x1_0000_0000n, 0x1_0000_0000n],
  ] as const) {
    root.add(`${name}@${address.toString(16)}`).set('reg', cells(address, size));
  }
  const pools = twoCells(root.add('reserved-memory')).set('ranges', EMPTY);
  pools
    .add('cma@80000000')
    .set('reg', cells(0x8000_0000n, 0x3000_0000n))
    .set('compatible', strings('removed-dma-pool'));
  return tree;
}

export const orinBlob = (name = 'orin.dtb') => file(name, writeTree(orin()));
