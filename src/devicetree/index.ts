/**
 * Device trees: `gpuvm/devicetree`. A model of them, read from flattened ones (blobs, .dtb), from overlays' and from the
 * kernel's own, asked, changed, compared, and written as blobs and as source. docs/devicetree.md shows how.
 */

export {
  type AddressRange,
  platformNameOf,
  type RegEntry,
  regionsOf,
  regOf,
} from './addresses.js';
export { type Bindings, knownBindings, type ReferenceBinding, withBindings } from './bindings.js';
export { type BusAddress, type BusCells, type BusRange, cellsOf, rangesOf } from './bus.js';
export { type DiffOptions, diffTrees, type TreeChange } from './diff.js';
export { dmaParentOf } from './dma.js';
export { Limit, type TreeVersion } from './format.js';
export { mapInterrupt } from './interrupt-map.js';
export { type Interrupt, interruptCellsOf, interruptParentOf } from './interrupt-parent.js';
export { interruptCount, interruptsOf } from './interrupts.js';
export { findLabel, labelsOf, setLabel } from './labels.js';
export { type LiveTree, readLiveTree } from './live.js';
export {
  memoryRanges,
  memoryRegionsOf,
  type ReservedMemory,
  type ReservedRange,
  reservedMemory,
  reservedRanges,
} from './memory.js';
export { applyOverlay } from './overlay.js';
export {
  type Fragment,
  type LabelReference,
  label,
  OverlayBuilder,
  type OverlayReference,
} from './overlay-builder.js';
export { type ParseTreeOptions, parseTree } from './parse.js';
export {
  duplicatePhandles,
  ensurePhandle,
  nextPhandle,
  type Phandles,
  phandleOf,
  phandlesOf,
} from './phandles.js';
export { type PrintOptions, printNode, printTree, valuePrinter } from './print.js';
export { printOverlay } from './print-overlay.js';
export { covers, overlaps } from './ranges.js';
export {
  danglingReferences,
  type Reference,
  referencesOf,
  referrersOf,
  removeNode,
  rewire,
  specifiersOf,
} from './references.js';
export { isEnabled } from './status.js';
export { cpuToDmaAddress, dmaToCpuAddress, fromCpuAddress, toCpuAddress } from './translate.js';
export {
  cloneTree,
  emptyTree,
  findNode,
  type Reservation,
  resolvePath,
  type Tree,
  TreeNode,
  walk,
} from './tree.js';
export { guessValue, type Value } from './value-kind.js';
export {
  cells,
  EMPTY,
  readCell,
  readCells,
  readNumber,
  readString,
  readStrings,
  readU64s,
  strings,
  u64s,
} from './values.js';
export { type WriteTreeOptions, writeTree } from './write.js';
