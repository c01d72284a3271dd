/** Device trees: a model of them, read from blobs and written to blobs. */

export { type AddressRange, platformNameOf, regionsOf } from './addresses.js';
export { interruptCount } from './interrupts.js';
export { findLabel, labelsOf, setLabel } from './labels.js';
export { memoryRanges, type ReservedRange, reservedRanges } from './memory.js';
export { applyOverlay } from './overlay.js';
export { type ParseTreeOptions, parseTree } from './parse.js';
export { ensurePhandle, nextPhandle, phandleOf, phandlesOf } from './phandles.js';
export { danglingReferences, type Reference, referencesOf, removeNode } from './references.js';
export { isEnabled } from './status.js';
export { emptyTree, findNode, type Reservation, type Tree, TreeNode, walk } from './tree.js';
export { cells, EMPTY, readCell, readCells, readString, readStrings, strings } from './values.js';
export { writeTree } from './write.js';
