import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cacheFolder } from '../src/config/index.js';
import { emptyTree, parseTree, type Tree, type TreeNode, writeTree } from '../src/devicetree/index.js';
import { type Figure, quantile, type Suite } from './suite.js';

/** What a Jetson AGX Orin's tree has: 148 KB, 913 nodes, 4,041 properties. */
const NODES = 913;
const ROUNDS = 400;
/** For the compiler. */
const WARM_UP = 200;
/** A blob's tokens, and where its header says that the structure and its size are. */
const [BEGIN_NODE, PROPERTY, END] = [1, 3, 9];
const [STRUCTURE, STRUCTURE_SIZE] = [8, 36];

/**
 * A tree of an Orin's size is read, against walking the same blob's tokens and copying each value out, which no reader can
 * do without; by turns.
 */
export async function run(): Promise<Suite> {
  const file = realTree();
  const blob = file === undefined ? writeTree(orinSized()) : readFileSync(file);
  const tree = parseTree(blob);
  const times = { read: [] as number[], walked: [] as number[], written: [] as number[] };
  let sum = 0;
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    const started = performance.now();
    sum += parseTree(blob).bootCpu;
    const read = performance.now();
    sum += walk(blob);
    const walked = performance.now();
    sum += writeTree(tree).length;
    const written = performance.now();
    if (round < WARM_UP) continue;
    times.read.push(read - started);
    times.walked.push(walked - read);
    times.written.push(written - walked);
  }
  if (sum === 0) throw new Error('nothing was read');
  const what = file === undefined ? 'a tree of the size of an Orin' : basename(file);
  return {
    name: 'devicetree',
    what: `${ROUNDS} × ${what}, ${blob.length} bytes, read and written`,
    figures: [
      time('read', times.read),
      time('its tokens walked, its values copied', times.walked),
      time('written', times.written),
    ],
    ratios: [
      { label: 'reading, in ms (median)', value: quantile(times.read, 0.5), promise: { atMost: 5 } },
      {
        label: 'read / walked and copied (median)',
        value: quantile(times.read, 0.5) / quantile(times.walked, 0.5),
        promise: { atMost: 6 },
      },
    ],
  };
}

/** GPUVM_ORIN_TREES=/folder, as in the tests: the first real tree in it; else what scripts/guest-kernel has made. */
function realTree(): string | undefined {
  const folder = process.env.GPUVM_ORIN_TREES ?? join(cacheFolder(), 'guest-kernel/current');
  const names = existsSync(folder) ? readdirSync(folder).toSorted() : [];
  const name = names.find((each) => each.endsWith('.dtb'));
  return name && join(folder, name);
}

/** Each value copied to memory of its own, nothing kept, nothing checked, no name read. */
function walk(blob: Uint8Array): number {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const start = view.getUint32(STRUCTURE);
  const end = start + view.getUint32(STRUCTURE_SIZE);
  let bytes = 0;
  for (let at = start; at < end; ) {
    const token = view.getUint32(at);
    at += 4;
    if (token === END) break;
    if (token === BEGIN_NODE) {
      while (blob[at] !== 0) at++;
      at = (at + 4) & -4;
    } else if (token === PROPERTY) {
      const size = view.getUint32(at);
      bytes += new Uint8Array(blob.subarray(at + 8, at + 8 + size)).length;
      at = (at + 8 + size + 3) & -4;
    }
  }
  return bytes;
}

/** As many nodes, properties and bytes as a real one, with as many different names. */
function orinSized(): Tree {
  const tree = emptyTree();
  let node: TreeNode = tree.root;
  for (let index = 1; index < NODES; index++) {
    while (depthOf(node) > 1 + (index % 5)) node = node.parent!;
    node = node.add(`device@${(index * 0x10000).toString(16)}`);
    for (let property = 0; property < 4 + (index % 2); property++) {
      const size = property === 0 ? 24 + (index % 3) * 16 : 4 * (1 + ((index * property) % 9));
      node.set(`vendor,property-${(index * 7 + property) % 400}`, new Uint8Array(size).fill(index));
    }
  }
  return tree;
}

function depthOf(node: TreeNode): number {
  return node.path.split('/').length - 1;
}

function time(label: string, ms: readonly number[]): Figure {
  return { label, p50: quantile(ms, 0.5), p99: quantile(ms, 0.99), unit: 'ms', samples: ms.length };
}
