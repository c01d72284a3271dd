import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  applyOverlay,
  cells,
  danglingReferences,
  diffTrees,
  dmaToCpuAddress,
  duplicatePhandles,
  emptyTree,
  interruptsOf,
  label,
  memoryRegionsOf,
  OverlayBuilder,
  parseTree,
  phandlesOf,
  platformNameOf,
  printTree,
  readCell,
  regionsOf,
  reservedRanges,
  strings,
  type Tree,
  walk,
  writeTree,
} from '../../src/devicetree/index.js';
import { GpuvmError } from '../../src/errors.js';
import { hasDtc } from './dtc.js';
import { hostBlob } from './fixtures/tegra234.js';

const { stackTraceLimit } = Error;
beforeAll(() => {
  // A trace of each of a million errors would take most of the time.
  Error.stackTraceLimit = 0;
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

/** A tree with everything that is followed: buses, interrupts, maps, references, memory. */
function small(): Tree {
  const tree = emptyTree();
  tree.root.set('#address-cells', cells(2)).set('#size-cells', cells(2)).set('interrupt-parent', cells(1));
  tree.root
    .add('gic')
    .set('phandle', cells(1))
    .set('#interrupt-cells', cells(1))
    .set('interrupt-controller', cells());
  const soc = tree.root
    .add('soc')
    .set('ranges', cells(0, 0n, 0x1000))
    .set('#address-cells', cells(1));
  soc
    .set('#size-cells', cells(1))
    .set('dma-ranges', cells(0, 0n, 0x1000))
    .set('interrupt-map', cells(0, 5, 1, 9));
  soc.set('#interrupt-cells', cells(1)).set('phandle', cells(2));
  soc.add('dev@10').set('reg', cells(16, 16)).set('interrupts', cells(5)).set('x-supply', cells(1));
  tree.root.add('__symbols__').set('gic', strings('/gic')).set('soc', strings('/soc'));
  tree.reservations.push({ address: 1n << 40n, size: 4096n });
  return tree;
}

function tiny(): Tree {
  const tree = emptyTree();
  tree.root.set('a', cells(1)).add('b').set('aa', strings('x')).add('c@1');
  tree.reservations.push({ address: 1n << 40n, size: 4096n });
  return tree;
}

function overlay(): Tree {
  const made = new OverlayBuilder();
  const content = made.fragment(label('soc'));
  const osc = content.add('osc');
  content.set('clocks', made.cells(osc, label('gic'), 7));
  made.fragment('/').set('status', strings('okay'));
  made.setLabel('osc', osc);
  return made.build();
}

/** Everything that can be asked of a tree; what it comes to does not matter, that it ends does. */
function ask(tree: Tree): void {
  const phandles = phandlesOf(tree);
  for (const node of walk(tree.root)) {
    regionsOf(node);
    platformNameOf(node);
    interruptsOf(node, phandles);
    dmaToCpuAddress(node, 16n, phandles);
    memoryRegionsOf(node, phandles);
  }
  reservedRanges(tree);
  danglingReferences(tree);
  duplicatePhandles(tree);
  diffTrees(tree, tree, { byTarget: true });
  writeTree(tree);
  printTree(tree);
}

/** Whether it went well; anything but our own error, which says where, is a mistake. */
function survives(act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (!GpuvmError.is(error, 'GPUVM_DEVICE_TREE')) throw error;
    return false;
  }
}

/** Numbers that always come in the same order. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}

/** As blobs have them: tokens, small and large sizes, and all ones. */
const interesting = [0, 1, 2, 3, 4, 8, 9, 0x10, 0x2f, 0x7f, 0x80, 0xff];

/** Hands out the same memory again and again, with a few bytes changed. */
function mutants(blob: Uint8Array, next: (below: number) => number): () => Uint8Array {
  const scratch = Uint8Array.from(blob);
  const changed: number[] = [];
  return () => {
    for (const at of changed.splice(0)) scratch[at] = blob[at]!;
    for (let change = next(4); change >= 0; change--) {
      const at = next(blob.length);
      scratch[at] = next(3) === 0 ? next(256) : interesting[next(interesting.length)]!;
      changed.push(at);
    }
    return next(50) === 0 ? scratch.subarray(0, next(blob.length)) : scratch;
  };
}

describe('a damaged blob', () => {
  it('does no harm to its reader, a million times', { timeout: 120_000 }, () => {
    const mutant = mutants(writeTree(tiny()), numbers(1));
    let read = 0;
    for (let round = 0; round < 1_000_000; round++) {
      const bytes = mutant();
      survives(() => {
        parseTree(bytes);
        read++;
      });
    }
    // Both sides of the reader were tried.
    expect(read).toBeGreaterThan(50_000);
    expect(read).toBeLessThan(950_000);
  });

  it('does no harm to who asks what it says', { timeout: 60_000 }, () => {
    const mutant = mutants(writeTree(small()), numbers(3));
    let asked = 0;
    for (let round = 0; round < 25_000; round++) {
      const bytes = mutant();
      survives(() => {
        const tree = parseTree(bytes);
        asked++;
        ask(tree);
      });
    }
    expect(asked).toBeGreaterThan(2_000);
  });

  it('of an overlay does none either', { timeout: 60_000 }, () => {
    const next = numbers(2);
    const mutant = mutants(writeTree(overlay()), next);
    const base = writeTree(small());
    let read = 0;
    let applied = 0;
    for (let round = 0; round < 40_000; round++) {
      const bytes = mutant();
      survives(() => {
        const over = parseTree(bytes);
        const tree = parseTree(base);
        read++;
        applyOverlay(tree, over);
        applied++;
        if (applied % 20 === 0) ask(tree);
      });
    }
    expect(applied).toBeGreaterThan(1_000);
    expect(applied).toBeLessThan(read - 1_000);
  });

  it('is refused with the offset, wherever it is cut', () => {
    const blob = writeTree(small());
    const header = new DataView(blob.slice().buffer);
    const [structure, size, stringsAt] = [8, 36, 12].map((at) => header.getUint32(at));
    for (let length = 0; length < blob.length; length++) {
      const cut = blob.slice(0, length);
      expect(() => parseTree(cut), `${length}`).toThrow(/\(at byte \d+\)$/);
      if (length < 40) continue;
      // Once more with a header that agrees.
      const view = new DataView(cut.buffer);
      view.setUint32(4, length);
      view.setUint32(36, Math.max(0, Math.min(size!, length - structure!)));
      view.setUint32(12, Math.min(stringsAt!, length));
      view.setUint32(32, Math.max(0, length - stringsAt!));
      expect(() => parseTree(cut), `${length}`).toThrow(/\(at byte \d+\)$/);
    }
  });

  it.skipIf(!hasDtc)("is refused wherever an Orin's is cut", () => {
    const blob = hostBlob();
    const [structure, size] = [8, 36].map((at) => blob.readUInt32BE(at));
    // The structure alone: the strings stay.
    for (let left = 0; left < size!; left += 16) {
      const copy = Buffer.from(blob);
      copy.writeUInt32BE(left, 36);
      const error = survivesWith(() => parseTree(copy));
      expect(error?.details.offset, `${left}`).toBeGreaterThanOrEqual(structure!);
    }
  });

  it('tells programs the offset too', () => {
    const blob = writeTree(small());
    blob[blob.length - 1] = 0x61;
    expect(survivesWith(() => parseTree(blob, { file: 'x.dtb' }))).toMatchObject({
      message: expect.stringMatching(/^x\.dtb: the device tree blob is damaged: .* \(at byte \d+\)$/),
      place: { file: 'x.dtb' },
      details: { offset: expect.any(Number) },
    });
  });
});

function survivesWith(act: () => void): GpuvmError | undefined {
  try {
    act();
  } catch (error) {
    if (GpuvmError.is(error, 'GPUVM_DEVICE_TREE')) return error;
    throw error;
  }
  return undefined;
}

/** A blob whose structure is so many bytes of nodes inside each other. */
function nested(size: number): Uint8Array {
  const structure = new Uint8Array(size);
  const view = new DataView(structure.buffer);
  for (let at = 0; at < size; at += 8) {
    view.setUint32(at, 1);
    view.setUint32(at + 4, at === 0 ? 0 : 0x6100_0000);
  }
  const blob = new Uint8Array(56 + size);
  blob.set(writeTree(emptyTree()).subarray(0, 56));
  blob.set(structure, 56);
  const header = new DataView(blob.buffer);
  for (const at of [4, 12]) header.setUint32(at, blob.length);
  header.setUint32(36, size);
  return blob;
}

describe('a blob without end', () => {
  it('is refused where it nests, whatever its size', () => {
    expect(() => parseTree(nested(1 << 20))).toThrow('deeper than 64 (at byte');
    // 64 MB of it are not even looked at.
    expect(() => parseTree(nested(64 << 20))).toThrow('too large for a device tree blob');
  });

  it('is refused for its number of nodes and properties', () => {
    const tree = emptyTree();
    for (let index = 0; index < 65_536; index++) tree.root.add(`n${index}`);
    expect(() => parseTree(writeTree(tree))).toThrow('too many nodes (at byte');
    const deep = emptyTree();
    let node = deep.root;
    for (let depth = 0; depth < 64; depth++) node = node.add('a');
    expect(() => writeTree(deep)).toThrow('at most 64 nodes below each other');
    expect(() => printTree(deep)).toThrow('at most 64 nodes below each other');
  });

  it('is read in a time that goes with its size', () => {
    // All in one node, each name another part of one long string.
    const tree = emptyTree();
    for (let index = 0; index < 20_000; index++) tree.root.set(`p${index}`, cells(index));
    const blob = writeTree(tree);
    const before = performance.now();
    expect(readCell(parseTree(blob).root.get('p19999'))).toBe(19_999);
    expect(performance.now() - before).toBeLessThan(5_000);
  });
});
